//! What a workload runs on.

/// Executors with their slots.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Tasks that one executor runs side by side: its cores over the cores of a task.
    pub slots_per_executor: u32,
    /// Cores of one executor, that its time is paid by.
    pub cores_per_executor: u32,
    /// When there are executors.
    pub executors: Executors,
    /// What is lost on the way.
    pub losses: Losses,
}

/// When there are executors.
#[derive(Debug, Clone, PartialEq)]
pub enum Executors {
    /// A fixed number: the time at which each is there, in ms since the application's start.
    Fixed(Vec<u64>),
    /// As many as dynamic allocation asks for.
    Dynamic(Allocation),
    /// A slot for every task: what remains is the critical path.
    Unlimited,
}

/// Spark's dynamic allocation. Times in ms.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// Executors at the start.
    pub initial: u32,
    /// Fewest executors.
    pub min: u32,
    /// Most executors.
    pub max: u32,
    /// How long tasks wait before executors are asked for.
    pub backlog_ms: u64,
    /// How long they wait until twice as many more are asked for.
    pub sustained_ms: u64,
    /// After how long without a task an executor is given back; `None`: never.
    pub idle_ms: Option<u64>,
    /// Executors asked for, over those that all waiting tasks would take.
    pub ratio: f64,
    /// From asking for an executor until it is there.
    pub provisioning_ms: u64,
    /// From the application's start until the first executors are there.
    pub first_ms: u64,
    /// Whether an executor that wrote shuffle files stays, because nothing else would serve them.
    pub keeps_shuffle: bool,
}

/// Executors that are lost, spot instances for example, each replaced by another.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Losses {
    /// Executors lost an hour, over the executors that there are.
    pub per_executor_hour: f64,
    /// From the loss until the other is there, in ms.
    pub replacement_ms: u64,
    /// Whether what an executor wrote for later stages is lost with it.
    pub with_shuffle: bool,
}

impl Cluster {
    /// `executors` with `cores` each, a task on each core, all there from the start.
    pub fn fixed(executors: u32, cores: u32) -> Self {
        Self {
            slots_per_executor: cores,
            cores_per_executor: cores,
            executors: Executors::Fixed(vec![0; executors as usize]),
            losses: Losses::default(),
        }
    }

    /// A slot for every task.
    pub fn unlimited() -> Self {
        Self {
            slots_per_executor: 1,
            cores_per_executor: 1,
            executors: Executors::Unlimited,
            losses: Losses::default(),
        }
    }
}
