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
            super(message);
            this.code = code;
        }
    }

    private Tools() {}

    public static void main(String[] unused) throws Exception {
        PrintStream answers = System.out;
        BufferedReader commands =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        Exit.Procedure leave = (code, message) -> {
            throw new Exited(code, message);
        };
        Exit.setExitProcedure(leave);
        Exit.setHaltProcedure(leave);
        Exit.setShutdownHookAdder((name, runnable) -> { });
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
        try {
            Method main = Class.forName(text(words[0])).getMethod("main", String[].class);
            main.invoke(null, (Object) arguments);
        } catch (InvocationTargetException error) {
            code = exitCode(error.getCause());
        } catch (ReflectiveOperationException error) {
            error.printStackTrace();
            code = 127;
        } finally {
            System.out.flush();
            System.err.flush();
            System.setIn(oldIn);
            System.setOut(oldOut);
            System.setErr(oldErr);
        }
        return code + " " + word(output) + " " + word(errors);
    }

    private static int exitCode(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof Exited) {
                if (cause.getMessage() != null) {
                    System.err.println(cause.getMessage());
                }
                return ((Exited) cause).code;
            }
        }
        error.printStackTrace();
        return 1;
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
