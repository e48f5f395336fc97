"""The peers and what they promise of an order; who says so, in the version that is locked, stands beside each."""

from benchmarks.contender import Contender, Guarantees
from benchmarks.peers.front import QUEUE
from benchmarks.peers.start import peer

EVENTS = ("order.placed.v1", "stock.reserved.v1", "payment.captured.v1", "payment.declined.v1")
TASKS = ("inventory-tasks", "payment-tasks", "shipping-tasks", QUEUE)

PEERS = (
    Contender(
        "faststream",
        "FastStream on RabbitMQ: a subscriber commits, then its decorator publishes",
        peer("faststream", ("inventory", "payment", "shipping"), EVENTS),
        # faststream.middlewares.AckPolicy and AcknowledgementMiddleware: acknowledged when handler and publishers are
        # through. REJECT_ON_ERROR, the default, drops a message after an accident; NACK_ON_ERROR is chosen here.
        # The package has neither an inbox nor an outbox.
        Guarantees(
            resumes="yes: what was not acknowledged is delivered again",
            duplicates="handlers and events; telling them apart is left to the team",
            compensation="a subscriber like any other, written by the team",
            lost="nothing while handlers publish again when repeated; with a plain inbox, the next event",
        ),
    ),
    Contender(
        "faststream-outbox",
        "FastStream, and an outbox in the same transaction that a relay empties",
        peer("faststream_outbox", ("inventory", "payment", "shipping"), EVENTS, prepare=True),
        # Its README: "on commit both the domain row and the outbox row land atomically. The relay subscriber picks the
        # outbox row up and publishes it […] with at-least-once delivery"; leases end after lease_ttl_seconds (60).
        # FastStream's subscribers are as above: the package has no inbox.
        Guarantees(
            resumes="yes: redelivery, and the relay again after its lease of 60 s has ended",
            duplicates="handlers and events; telling them apart is left to the team",
            compensation="a subscriber like any other, written by the team",
            lost="nothing: the event commits with the data",
        ),
    ),
    Contender(
        "celery",
        "Celery on RabbitMQ: a chain of three tasks, late acknowledgement, and a task on error",
        peer("celery", ("front", "worker"), TASKS),
        # celery.app.task.Task.reject_on_worker_lost: without it, "even if acks_late is enabled, the worker will
        # acknowledge tasks when the worker process executing them abruptly exits"; it "can cause message loops".
        # celery.app.trace.build_tracer publishes the next task before the acknowledgement.
        # Backend._call_task_errbacks publishes an error task, or, if it takes the failed request, calls it at once and
        # logs and forgets what it raises.
        Guarantees(
            resumes="yes, with acks_late and reject_on_worker_lost, which are not the default",
            duplicates="tasks, and then all of the chain that follows, in parallel with the first",
            compensation="a task on any error, accidents included; only one, it has to find out what to undo",
            lost="nothing so set up; by default an order whose worker is killed",
        ),
    ),
    Contender(
        "taskiq",
        "taskiq on RabbitMQ: each task calls the next one",
        peer("taskiq", ("front", "worker"), TASKS),
        # taskiq.cli.worker.args.WorkerArgs.ack_type is WHEN_SAVED: after the task, whatever became of it.
        # taskiq.receiver.Receiver.run_task catches what a task raises; SimpleRetryMiddleware publishes the task anew,
        # at once, and at most so many times. Without that middleware a task is tried once.
        Guarantees(
            resumes="yes: what was not acknowledged is delivered again",
            duplicates="tasks, and all that they call; telling them apart is left to the team",
            compensation="a task like any other, called by the team's code",
            lost="an order whose task has failed more often than it is tried again",
        ),
    ),
    Contender(
        "dbos",
        "DBOS: a workflow whose steps are checkpointed in PostgreSQL",
        peer("dbos", ("1", "2"), prepare=True),
        # Its README: "all your workflows will automatically resume from the last completed step" when the program
        # restarts; dbos._recovery.startup_recovery_thread takes those of the same executor_id and application version
        # only. A step's work and its checkpoint are two commits, except in a datasource's transaction.
        Guarantees(
            resumes="yes, from the last completed step, when the same executor starts again with the same code",
            duplicates="a step whose checkpoint was not written; the same workflow id starts once",
            compensation="except: in the workflow's code, as durable as the rest",
            lost="nothing",
        ),
    ),
    Contender(
        "sagaz",
        "sagaz: an orchestrated saga with its state in PostgreSQL",
        peer("sagaz", ("1", "2")),
        # sagaz.core.decorators._execution.ExecutionEngine: run() saves a saga at its start and its end, without steps
        # ("TODO: Track steps"), and goes on if that fails; _execute_step tries once, whatever max_retries says;
        # _execute_compensation notes an error in the context and goes on. Nothing reads a saga back to continue it.
        Guarantees(
            resumes="no: the saga stays in the state executing for ever",
            duplicates="nothing: a step is tried once",
            compensation="declared beside its step; one that fails is noted and left undone",
            lost="whatever a process was doing when it ended",
        ),
    ),
    Contender(
        "python-cqrs",
        "python-cqrs: an orchestrated saga, its steps logged in PostgreSQL",
        peer("python_cqrs", ("1", "2"), prepare=True),
        # cqrs.saga.recovery.recover_saga: "Call it from a recovery job […] Completed steps are skipped […] Do not call
        # this for a saga that is still running in another worker", which the job can only guess from its silence.
        # cqrs.handlers.saga.SagaStepHandler: "Both must be safe to run again". Context and log are committed together
        # after each step (SagaStepExecutor.execute_step). Its outbox and inbox are for events between services.
        Guarantees(
            resumes="by a job that the team writes, which guesses from silence that a saga is left behind",
            duplicates="a step whose log was not written, and whole sagas that were only slow",
            compensation="declared beside its step; tried three times, resumed by the same job",
            lost="nothing that the job finds",
        ),
    ),
)
"""Nobody is left out: all of those that were looked at can do the saga, if not keep every promise."""
