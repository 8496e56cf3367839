//! Keys of TLS, SASL, tokens and access control.
//! Facts from Kafka 4.3.1; see [`super`].

use crate::config::key::keys;

keys! { SECURITY:
    "authorizer.class.name" String = Some(""), Any, Low, ReadOnly, Inert;
        "Access control is not built yet; nothing is refused by it.";
    "delegation.token.expiry.check.interval.ms" Long = Some("3600000"),
        AtLeast(1), Low, ReadOnly, Inert;
        "How often expired delegation tokens are looked for.";
    "delegation.token.expiry.time.ms" Long = Some("86400000"), AtLeast(1), Medium, ReadOnly, Inert;
        "How long a delegation token is valid without renewal.";
    "delegation.token.max.lifetime.ms" Long = Some("604800000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Longest life of a delegation token.";
    "delegation.token.secret.key" Password = None, Any, Medium, ReadOnly, Inert;
        "Key that signs delegation tokens.";
    "principal.builder.class" Class =
        Some("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"),
        Any, Medium, PerBroker, Inert;
        "JVM class that derives a principal from a connection.";
    "sasl.client.callback.handler.class" Class = None, Any, Medium, ReadOnly, Inert;
        "JVM class for SASL client callbacks.";
    "sasl.enabled.mechanisms" List = Some("GSSAPI"), Items(&[]), Medium, PerBroker, Inert;
        "SASL mechanisms that are on.";
    "sasl.jaas.config" Password = None, Any, Medium, PerBroker, Inert;
        "JAAS login of SASL.";
    "sasl.kerberos.kinit.cmd" String = Some("/usr/bin/kinit"), Any, Medium, PerBroker, Inert;
        "Path of kinit.";
    "sasl.kerberos.min.time.before.relogin" Long = Some("60000"), Any, Medium, PerBroker, Inert;
        "Least time between two Kerberos logins.";
    "sasl.kerberos.principal.to.local.rules" List = Some("DEFAULT"),
        Items(&[]), Medium, PerBroker, Inert;
        "Rules that shorten Kerberos names.";
    "sasl.kerberos.service.name" String = None, Any, Medium, PerBroker, Inert;
        "Kerberos service name of the broker.";
    "sasl.kerberos.ticket.renew.jitter" Double = Some("0.05"), Any, Medium, PerBroker, Inert;
        "Random share of the Kerberos renewal time.";
    "sasl.kerberos.ticket.renew.window.factor" Double = Some("0.8"), Any, Medium, PerBroker, Inert;
        "Share of a ticket's life after which it is renewed.";
    "sasl.login.callback.handler.class" Class = None, Any, Medium, ReadOnly, Inert;
        "JVM class for SASL login callbacks.";
    "sasl.login.class" Class = None, Any, Medium, ReadOnly, Inert;
        "JVM class of the SASL login.";
    "sasl.login.connect.timeout.ms" Int = None, Any, Low, ReadOnly, Inert;
        "Time to connect to the token issuer.";
    "sasl.login.read.timeout.ms" Int = None, Any, Low, ReadOnly, Inert;
        "Time to read from the token issuer.";
    "sasl.login.refresh.buffer.seconds" Short = Some("300"), Any, Medium, PerBroker, Inert;
        "Time before expiry that a token refresh leaves free.";
    "sasl.login.refresh.min.period.seconds" Short = Some("60"), Any, Medium, PerBroker, Inert;
        "Least time before a token is refreshed.";
    "sasl.login.refresh.window.factor" Double = Some("0.8"), Any, Medium, PerBroker, Inert;
        "Share of a token's life after which it is refreshed.";
    "sasl.login.refresh.window.jitter" Double = Some("0.05"), Any, Medium, PerBroker, Inert;
        "Random share of the token refresh time.";
    "sasl.login.retry.backoff.max.ms" Long = Some("10000"), Any, Low, ReadOnly, Inert;
        "Longest wait between login attempts.";
    "sasl.login.retry.backoff.ms" Long = Some("100"), Any, Low, ReadOnly, Inert;
        "First wait between login attempts.";
    "sasl.mechanism.controller.protocol" String = Some("GSSAPI"), Any, High, ReadOnly, Inert;
        "SASL mechanism towards controllers.";
    "sasl.mechanism.inter.broker.protocol" String = Some("GSSAPI"), Any, Medium, PerBroker, Inert;
        "SASL mechanism between brokers.";
    "sasl.oauthbearer.assertion.algorithm" String = Some("RS256"),
        OneOfAnyCase(&["ES256", "RS256"]), Medium, ReadOnly, Inert;
        "Algorithm that signs the OAuth assertion.";
    "sasl.oauthbearer.assertion.claim.aud" String = None, Any, Medium, ReadOnly, Inert;
        "Audience claim of the OAuth assertion.";
    "sasl.oauthbearer.assertion.claim.exp.seconds" Int = Some("300"),
        Between(0, 86400), Low, ReadOnly, Inert;
        "Life of the OAuth assertion.";
    "sasl.oauthbearer.assertion.claim.iss" String = None, Any, Medium, ReadOnly, Inert;
        "Issuer claim of the OAuth assertion.";
    "sasl.oauthbearer.assertion.claim.jti.include" Boolean = Some("false"),
        Any, Medium, ReadOnly, Inert;
        "Put a unique id into the OAuth assertion.";
    "sasl.oauthbearer.assertion.claim.nbf.seconds" Int = Some("60"),
        Between(0, 3600), Low, ReadOnly, Inert;
        "How far the OAuth assertion is valid back.";
    "sasl.oauthbearer.assertion.claim.sub" String = None, Any, Medium, ReadOnly, Inert;
        "Subject claim of the OAuth assertion.";
    "sasl.oauthbearer.assertion.file" String = None, Any, Medium, ReadOnly, Inert;
        "File that holds a ready OAuth assertion.";
    "sasl.oauthbearer.assertion.private.key.file" String = None, Any, Medium, ReadOnly, Inert;
        "Key file that signs the OAuth assertion.";
    "sasl.oauthbearer.assertion.private.key.passphrase" Password = None,
        Any, Medium, ReadOnly, Inert;
        "Passphrase of that key file.";
    "sasl.oauthbearer.assertion.template.file" String = None, Any, Medium, ReadOnly, Inert;
        "File with further claims of the OAuth assertion.";
    "sasl.oauthbearer.client.credentials.client.id" String = None, Any, Medium, ReadOnly, Inert;
        "OAuth client id.";
    "sasl.oauthbearer.client.credentials.client.secret" Password = None,
        Any, Medium, ReadOnly, Inert;
        "OAuth client secret.";
    "sasl.oauthbearer.clock.skew.seconds" Int = Some("30"), Any, Low, ReadOnly, Inert;
        "Clock difference tolerated with the token issuer.";
    "sasl.oauthbearer.expected.audience" List = Some(""), Items(&[]), High, ReadOnly, Inert;
        "Audiences an OAuth token must name.";
    "sasl.oauthbearer.expected.issuer" String = None, Any, High, ReadOnly, Inert;
        "Issuer an OAuth token must name.";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms" Long = Some("3600000"), Any, Low, ReadOnly, Inert;
        "How often the issuer's keys are read again.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms" Long = Some("10000"),
        Any, Low, ReadOnly, Inert;
        "Longest wait between reads of the issuer's keys.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms" Long = Some("100"), Any, Low, ReadOnly, Inert;
        "First wait between reads of the issuer's keys.";
    "sasl.oauthbearer.jwks.endpoint.url" String = None, Any, Medium, ReadOnly, Inert;
        "Where the issuer's keys are.";
    "sasl.oauthbearer.jwt.retriever.class" Class =
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
        Any, Medium, ReadOnly, Inert;
        "JVM class that fetches OAuth tokens.";
    "sasl.oauthbearer.jwt.validator.class" Class =
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"),
        Any, Medium, ReadOnly, Inert;
        "JVM class that checks OAuth tokens.";
    "sasl.oauthbearer.scope" String = None, Any, Medium, ReadOnly, Inert;
        "OAuth scope to ask for.";
    "sasl.oauthbearer.scope.claim.name" String = Some("scope"), Any, Low, ReadOnly, Inert;
        "Claim that holds the scope.";
    "sasl.oauthbearer.sub.claim.name" String = Some("sub"), Any, Low, ReadOnly, Inert;
        "Claim that holds the subject.";
    "sasl.oauthbearer.token.endpoint.url" String = None, Any, Medium, ReadOnly, Inert;
        "Where OAuth tokens are issued.";
    "sasl.server.callback.handler.class" Class = None, Any, Medium, ReadOnly, Inert;
        "JVM class for SASL server callbacks.";
    "sasl.server.max.receive.size" Int = Some("524288"), Any, Medium, ReadOnly, Inert;
        "Largest SASL message accepted.";
    "security.inter.broker.protocol" String = Some("PLAINTEXT"),
        OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly, Inert;
        "Security protocol between brokers.";
    "security.providers" String = None, Any, Low, ReadOnly, Inert;
        "JVM classes of security providers.";
    "ssl.allow.dn.changes" Boolean = Some("false"), Any, Low, ReadOnly, Inert;
        "Let a new certificate change its distinguished name.";
    "ssl.allow.san.changes" Boolean = Some("false"), Any, Low, ReadOnly, Inert;
        "Let a new certificate change its alternative names.";
    "ssl.cipher.suites" List = Some(""), Items(&[]), Medium, PerBroker, Inert;
        "TLS cipher suites that are on.";
    "ssl.client.auth" String = Some("none"),
        OneOf(&["required", "requested", "none"]), Medium, PerBroker, Inert;
        "Whether clients must show a certificate.";
    "ssl.enabled.protocols" List = Some("TLSv1.2,TLSv1.3"), Items(&[]), Medium, PerBroker, Inert;
        "TLS versions that are on.";
    "ssl.endpoint.identification.algorithm" String = Some("https"), Any, Low, PerBroker, Inert;
        "How host names are checked against certificates.";
    "ssl.engine.factory.class" Class = None, Any, Low, PerBroker, Inert;
        "JVM class that makes TLS engines.";
    "ssl.key.password" Password = None, Any, Medium, PerBroker, Inert;
        "Password of the private key.";
    "ssl.keymanager.algorithm" String = Some("SunX509"), Any, Medium, PerBroker, Inert;
        "JVM key manager algorithm.";
    "ssl.keystore.certificate.chain" Password = None, Any, Medium, PerBroker, Inert;
        "Certificate chain in PEM.";
    "ssl.keystore.key" Password = None, Any, Medium, PerBroker, Inert;
        "Private key in PEM.";
    "ssl.keystore.location" String = None, Any, Medium, PerBroker, Inert;
        "File of the key store.";
    "ssl.keystore.password" Password = None, Any, Medium, PerBroker, Inert;
        "Password of the key store.";
    "ssl.keystore.type" String = Some("JKS"), Any, Medium, PerBroker, Inert;
        "Format of the key store.";
    "ssl.principal.mapping.rules" String = Some("DEFAULT"), Any, Low, ReadOnly, Inert;
        "Rules that shorten certificate names.";
    "ssl.protocol" String = Some("TLSv1.3"), Any, Medium, PerBroker, Inert;
        "TLS version to start from.";
    "ssl.provider" String = None, Any, Medium, PerBroker, Inert;
        "JVM security provider of TLS.";
    "ssl.secure.random.implementation" String = None, Any, Low, PerBroker, Inert;
        "JVM random number generator.";
    "ssl.trustmanager.algorithm" String = Some("PKIX"), Any, Medium, PerBroker, Inert;
        "JVM trust manager algorithm.";
    "ssl.truststore.certificates" Password = None, Any, Medium, PerBroker, Inert;
        "Trusted certificates in PEM.";
    "ssl.truststore.location" String = None, Any, Medium, PerBroker, Inert;
        "File of the trust store.";
    "ssl.truststore.password" Password = None, Any, Medium, PerBroker, Inert;
        "Password of the trust store.";
    "ssl.truststore.type" String = Some("JKS"), Any, Medium, PerBroker, Inert;
        "Format of the trust store.";
}
