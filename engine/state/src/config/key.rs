//! What is known about one configuration key. Constant tables of these are the only place where
//! names, defaults and rules are written down.

/// Type of a key's value, Kafka's `ConfigDef.Type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Boolean,
    String,
    Int,
    Short,
    Long,
    Double,
    List,
    /// Name of a JVM class: accepted and shown, never loaded.
    Class,
    /// Never shown.
    Password,
}

impl Kind {
    /// Kafka's name of the type, as in its error texts.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::String => "STRING",
            Kind::Int => "INT",
            Kind::Short => "SHORT",
            Kind::Long => "LONG",
            Kind::Double => "DOUBLE",
            Kind::List => "LIST",
            Kind::Class => "CLASS",
            Kind::Password => "PASSWORD",
        }
    }

    /// Number of the type in DescribeConfigs (`DescribeConfigsResponse.ConfigType`); 0 is unknown.
    pub fn id(self) -> i8 {
        match self {
            Kind::Boolean => 1,
            Kind::String => 2,
            Kind::Int => 3,
            Kind::Short => 4,
            Kind::Long => 5,
            Kind::Double => 6,
            Kind::List => 7,
            Kind::Class => 8,
            Kind::Password => 9,
        }
    }
}

/// What a value of the right type must satisfy, Kafka's validators.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rule {
    Any,
    AtLeast(i64),
    /// Both ends included.
    Between(i64, i64),
    /// A fraction from 0 to this, included.
    Ratio(f64),
    OneOf(&'static [&'static str]),
    OneOfAnyCase(&'static [&'static str]),
    /// List of distinct items, all out of these unless empty; the list may be empty.
    Items(&'static [&'static str]),
    /// The same, but the list may not be empty.
    SomeItems(&'static [&'static str]),
    NonEmpty,
    /// 1 to 9, or -1 for the library's own default.
    GzipLevel,
    /// `*` or a list of `partition:broker`.
    ThrottledReplicas,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// How a key may be changed while the broker runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// Only in the file, the environment or on the command line.
    ReadOnly,
    /// For one broker, not as the default of the cluster.
    PerBroker,
    /// For one broker or as the default of the cluster.
    Cluster,
    /// A topic config.
    Topic,
    /// Kafka's internal keys: accepted, but never listed.
    Internal,
}

impl Update {
    /// Whether it may be changed while the broker runs.
    pub fn is_dynamic(self) -> bool {
        matches!(self, Update::PerBroker | Update::Cluster | Update::Topic)
    }
}

/// What this broker makes of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Support {
    /// Means here what it means in Kafka.
    Honoured,
    /// Its purpose is served by something else; the documentation says what.
    Mapped,
    /// Accepted and shown, without effect.
    Inert,
}

/// One key of a table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// Default as text; `None` where Kafka's default is null or the key has none.
    pub default: Option<&'static str>,
    pub rule: Rule,
    pub importance: Importance,
    pub update: Update,
    pub support: Support,
    /// One sentence, ours.
    pub doc: &'static str,
}

impl Key {
    /// Whether the value must not be shown.
    pub fn is_sensitive(&self) -> bool {
        self.kind == Kind::Password
    }

    pub fn is_internal(&self) -> bool {
        self.update == Update::Internal
    }
}

/// Finds a key in a table sorted by name.
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    let index = keys.binary_search_by(|key| key.name.cmp(name)).ok()?;
    keys.get(index)
}

/// A table: `"name" Kind = default, Rule, Importance, Update, Support; "documentation";` each.
macro_rules! keys {
    ($table:ident: $($name:literal $kind:ident = $default:expr, $rule:ident $(($($limit:expr),*))?,
        $importance:ident, $update:ident, $support:ident; $doc:literal;)*) => {
        pub static $table: &[$crate::config::Key] = &[$($crate::config::Key {
            name: $name,
            kind: $crate::config::Kind::$kind,
            default: $default,
            rule: $crate::config::Rule::$rule $(($($limit),*))?,
            importance: $crate::config::Importance::$importance,
            update: $crate::config::Update::$update,
            support: $crate::config::Support::$support,
            doc: $doc,
        }),*];
    };
}
pub(crate) use keys;
