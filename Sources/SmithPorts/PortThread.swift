import Glibc
import Synchronization

/// One thread of its own on which calls may block.
///
/// An update that runs under `withTaskExecutorPreference(thread)` never changes threads for a
/// wait: a link that finds itself on such a thread blocks in the kernel, which is the fastest way
/// to wait for 4 KiB round trips, and the shared pool never notices.
public final class PortThread: TaskExecutor, Sendable {
  private let queue: Queue

  /// Starts the thread; it ends when the last reference is dropped.
  public init() {
    queue = Queue()
    queue.start()
  }

  deinit { queue.stop() }

  /// Whether the caller stands on a port thread, where blocking hurts nobody.
  public static var isCurrent: Bool { unsafe pthread_getspecific(Queue.key) != nil }

  /// Takes a job of a task that prefers this thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    let executor = unsafe asUnownedTaskExecutor()
    // Holding `self` keeps the thread until the job has run.
    queue.add { [self] in
      unsafe unowned.runSynchronously(on: executor)
      withExtendedLifetime(self) {}
    }
  }

  /// Runs `work` on the thread and returns what it returns.
  public func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      queue.add { continuation.resume(returning: work()) }
    }
  }

  /// Jobs in order, a mutex and a condition; kept alive by its thread as well.
  @safe private final class Queue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [() -> Void] = []
    private var stopped = false

    /// Set to anything on port threads.
    static let key: pthread_key_t = {
      var key = pthread_key_t()
      unsafe pthread_key_create(&key, nil)
      return key
    }()

    init() {
      unsafe pthread_mutex_init(mutex, nil)
      unsafe pthread_cond_init(condition, nil)
    }

    deinit {
      unsafe pthread_cond_destroy(condition)
      unsafe pthread_mutex_destroy(mutex)
      unsafe condition.deallocate()
      unsafe mutex.deallocate()
    }

    func start() {
      var attributes = pthread_attr_t()
      unsafe pthread_attr_init(&attributes)
      unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
      unsafe pthread_attr_setstacksize(&attributes, 2 << 20)
      var thread = pthread_t()
      let context = unsafe Unmanaged.passRetained(self).toOpaque()
      unsafe pthread_create(
        &thread, &attributes,
        { context in
          guard let context = unsafe context else { return nil }
          unsafe pthread_setspecific(Queue.key, context)
          unsafe Unmanaged<Queue>.fromOpaque(context).takeRetainedValue().loop()
          return nil
        }, context)
      unsafe pthread_attr_destroy(&attributes)
    }

    func add(_ work: @escaping () -> Void) {
      unsafe pthread_mutex_lock(mutex)
      waiting.append(work)
      unsafe pthread_cond_signal(condition)
      unsafe pthread_mutex_unlock(mutex)
    }

    func stop() {
      unsafe pthread_mutex_lock(mutex)
      stopped = true
      unsafe pthread_cond_signal(condition)
      unsafe pthread_mutex_unlock(mutex)
    }

    private func loop() {
      while let batch = next() {
        for work in batch { work() }
      }
    }

    private func next() -> [() -> Void]? {
      unsafe pthread_mutex_lock(mutex)
      defer { unsafe pthread_mutex_unlock(mutex) }
      while waiting.isEmpty {
        if stopped { return nil }
        unsafe pthread_cond_wait(condition, mutex)
      }
      defer { waiting = [] }
      return waiting
    }
  }
}
