import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command line tools one after another in one JVM, so that a test pays for one start.
 * A command is a line of Base64 words: main class, standard input, arguments. The answer is a line:
 * exit code, Base64 of standard output, Base64 of standard error.
 */
public final class Tools {
    private static final class Exited extends RuntimeException {
        final int code;

        Exited(int code, String message) {
            super(message, null, false, false);
            this.code = code;
        }

        /** Some tools print what they catch, this too. */
        @Override
        public String toString() {
            return "";
        }
    }

    /** What the running tool wants done at its end: the producers flush and close there. */
    private static final List<Runnable> HOOKS = new CopyOnWriteArrayList<>();

    private static Exited exited;

    private Tools() {}

    public static void main(String[] unused) throws Exception {
        PrintStream answers = System.out;
        BufferedReader commands =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        Exit.Procedure leave = (code, message) -> {
            // Some tools catch everything, this exception too, and exit again: the first counts.
            if (exited == null) {
                exited = new Exited(code, message == null ? "" : message);
            }
            throw exited;
        };
        Exit.setExitProcedure(leave);
        Exit.setHaltProcedure(leave);
        Exit.setShutdownHookAdder((name, runnable) -> HOOKS.add(runnable));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            answers.println(run(line));
            answers.flush();
        }
        System.exit(0);
    }

    private static String run(String line) {
        String[] words = line.split(" ");
        String[] arguments = new String[words.length - 2];
        for (int index = 0; index < arguments.length; index++) {
            arguments[index] = text(words[index + 2]);
        }
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        InputStream input = new ByteArrayInputStream(bytes(words[1]));
        PrintStream oldOut = System.out;
        PrintStream oldErr = System.err;
        InputStream oldIn = System.in;
        System.setIn(input);
        System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        int code = 0;
        exited = null;
        try {
            Method main = Class.forName(text(words[0])).getMethod("main", String[].class);
            main.invoke(null, (Object) arguments);
        } catch (InvocationTargetException error) {
            code = exitCode(error.getCause());
        } catch (ReflectiveOperationException error) {
            error.printStackTrace();
            code = 127;
        } finally {
            code = runHooks(code);
            System.out.flush();
            System.err.flush();
            System.setIn(oldIn);
            System.setOut(oldOut);
            System.setErr(oldErr);
        }
        return code + " " + word(output) + " " + word(errors);
    }

    private static int runHooks(int code) {
        int result = code;
        for (Runnable hook : HOOKS) {
            try {
                hook.run();
            } catch (RuntimeException error) {
                error.printStackTrace();
                result = 1;
            }
        }
        HOOKS.clear();
        return result;
    }

    private static int exitCode(Throwable error) {
        if (exited == null) {
            error.printStackTrace();
            return 1;
        }
        if (!exited.getMessage().isEmpty()) {
            System.err.println(exited.getMessage());
        }
        return exited.code;
    }

    /** Empty words could not be told apart in a line, so each word has a leading dot. */
    private static String word(ByteArrayOutputStream content) {
        return "." + Base64.getEncoder().encodeToString(content.toByteArray());
    }

    private static byte[] bytes(String word) {
        return Base64.getDecoder().decode(word.substring(1));
    }

    private static String text(String word) {
        return new String(bytes(word), StandardCharsets.UTF_8);
    }
}
