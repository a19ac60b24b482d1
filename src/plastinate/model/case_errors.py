"""Every error of the server's side: cases, people, uploads, jobs. The rest stand in `errors.py`.

    PlastinateError
    └── RequestError     what was asked cannot be done            exit 8
        ├── NotThere, NotAllowed, SignInNeeded, Conflict ...
        └── JobError     a job ended without its result           exit 6
    SystemFault          StoreFull, ServerUnreachable ...         exit 7

The door to the web has one table from these classes to HTTP statuses (`web/problems.py`).
"""

from __future__ import annotations

from plastinate.model.errors import PlastinateError, SystemFault


class RequestError(PlastinateError):
    """What was asked of the archive cannot be done as asked."""

    code = "request.error"
    hint = "Look at the request again."
    exit_status = 8


class NotThere(RequestError):
    """Nothing of that id, or nothing that this person may know of."""

    code = "request.not-there"
    hint = "It may have been deleted, or belong to someone who has not shared it with you."

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(f"There is no such {what}.")
        self.what = what
        if hint:
            self.hint = hint


class NotAllowed(RequestError):
    """The person may see it, and may not do this with it."""

    code = "request.not-allowed"
    hint = "Ask its owner to let you edit it."

    def __init__(self, doing: str, *, hint: str | None = None) -> None:
        super().__init__(f"You may not {doing}.")
        self.doing = doing
        if hint:
            self.hint = hint


class SignInNeeded(RequestError):
    """Nobody is signed in, or the token is not valid."""

    code = "request.sign-in"
    hint = "Sign in, or send a valid API token."

    def __init__(self, reason: str = "You are not signed in", *, hint: str | None = None) -> None:
        super().__init__(f"{reason}.")
        if hint:
            self.hint = hint


class NoTerminal(RequestError):
    """Something would have to be typed, and there is no terminal to type it at."""

    code = "request.no-terminal"
    hint = (
        "Make a token in the browser under your account, and give it on standard input with --token -, "
        "or in PLASTINATE_TOKEN with the address in PLASTINATE_SERVER: then no sign-in is needed at all."
    )
    exit_status = 2

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no terminal to type {what} at.")
        self.what = what


class CrossSiteRequest(RequestError):
    """A browser's request without the token of its own session: another site may have made it."""

    code = "request.cross-site"
    hint = "Load the page again and repeat; a script sends an API token instead of a cookie."

    def __init__(self, flaw: str) -> None:
        super().__init__(f"The request was refused: {flaw}.")


class RequestFlaw(RequestError):
    """A field of a request that cannot be taken."""

    code = "request.flaw"
    hint = "Correct the field and send it again."

    def __init__(self, flaw: str, *, where: str = "") -> None:
        super().__init__(f"{flaw}.")
        self.where = where


class Conflict(RequestError):
    """The thing is in a state that does not admit this, or has changed since it was read."""

    code = "request.conflict"
    hint = "Load it again and repeat the change if it still makes sense."

    def __init__(self, sentence: str, *, hint: str | None = None) -> None:
        super().__init__(sentence)
        if hint:
            self.hint = hint


class VersionNeeded(RequestError):
    """A change in place of something that may not have been seen."""

    code = "request.version-needed"
    hint = "Read it first and send its ETag as If-Match; `If-Match: *` writes over whatever is there."

    def __init__(self) -> None:
        super().__init__("Which version this is to take the place of is not said, and there is one already.")


class Gone(RequestError):
    """It was there, and its time has run out."""

    code = "request.gone"
    hint = "Start again, or ask for a new link."

    def __init__(self, what: str, *, because: str = "has expired") -> None:
        super().__init__(f"This {what} {because}.")
        self.what = what


class UsedUp(Gone):
    """It could be used once, and was."""

    code = "request.used"
    hint = "Sign in with the password that was chosen; an administrator can make a new link."

    def __init__(self, what: str) -> None:
        super().__init__(what, because="was used already")


class Busy(RequestError):
    """Another request is writing to the same thing just now."""

    code = "request.busy"
    hint = "Wait a second and try again."

    def __init__(self, what: str) -> None:
        super().__init__(f"Another request is writing to this {what}.")
        self.what = what


class UploadTooLarge(RequestError):
    """More bytes than one upload may have."""

    code = "request.too-large"

    def __init__(self, size: int, cap: int) -> None:
        super().__init__(f"The upload has {size:,} bytes, more than the {cap:,} allowed.")
        self.hint = "Send it in parts, or ask the administrator to raise PLASTINATE_UPLOAD_BYTES."
        self.size = size
        self.cap = cap


class TooManyRequests(RequestError):
    """More tries than a person makes."""

    code = "request.too-many"
    hint = "Wait a minute and try again."

    def __init__(self) -> None:
        super().__init__("Too many tries in a short time.")


class ArchiveFlaw(RequestError):
    """A case archive whose contents are not what its manifest says."""

    code = "request.archive-flaw"
    hint = "Export the case again from where it came from."

    def __init__(self, flaw: str) -> None:
        super().__init__(f"The case archive cannot be imported: {flaw}.")
        self.flaw = flaw


class JobError(PlastinateError):
    """A job ended without its result.

    Attributes:
        remote_code: what a server calls the reason, where a server said it.
    """

    code = "job.failed"
    hint = "Start it again; nothing of the case is lost."
    exit_status = 6
    remote_code = ""


class JobLost(JobError):
    """Whatever did the job went away, as often as it is tried."""

    code = "job.lost"
    hint = "The machine may be short of memory, or was restarted: try again, or build fewer organs at a time."

    def __init__(self, attempts: int, reason: str) -> None:
        super().__init__(f"The job was lost {attempts} times; the last time {reason}.")
        self.attempts = attempts


class JobTooLong(JobError):
    """The job took longer than a job may."""

    code = "job.too-long"
    hint = "Build fewer organs at a time, or ask the administrator to raise PLASTINATE_JOB_SECONDS."

    def __init__(self, seconds: int) -> None:
        super().__init__(f"The job was stopped after {seconds} seconds.")


class JobOutOfMemory(JobError):
    """The job asked for more memory than a job may have."""

    code = "job.out-of-memory"
    hint = "Build fewer organs at a time, or ask the administrator to raise PLASTINATE_JOB_MEMORY_BYTES."

    def __init__(self, cap: int) -> None:
        super().__init__(f"The job needed more than {cap / (1 << 30):.1f} GB of memory.")


class DatabaseFailed(SystemFault):
    """The database did not do what was asked, or cannot be reached."""

    code = "system.database-failed"
    hint = "Check that the database runs and can be reached (PLASTINATE_DATABASE), then try again."

    def __init__(self, reason: str) -> None:
        super().__init__(f"The database failed: {reason}.")


class StoreFull(SystemFault):
    """No space is left where the archive lies."""

    code = "system.store-full"
    hint = "Nothing that was kept before is harmed. Free some space, then send it again."

    def __init__(self) -> None:
        super().__init__("The archive's disk is full.")


class StoreFailed(SystemFault):
    """The file store did not do what was asked."""

    code = "system.store-failed"
    hint = "Check that the store can be reached (PLASTINATE_STORE and its credentials)."

    def __init__(self, reason: str) -> None:
        super().__init__(f"The file store failed: {reason}.")


class TooManyStreams(SystemFault):
    """As many live streams are open as the server allows."""

    code = "system.too-many-streams"
    hint = "Ask for the state again every few seconds instead."

    def __init__(self) -> None:
        super().__init__("Too many live streams are open.")


class SettingFlaw(SystemFault):
    """A setting of the server that cannot be used."""

    code = "system.setting"
    hint = "See docs/reference/settings.md."

    def __init__(self, name: str, flaw: str, *, hint: str | None = None) -> None:
        super().__init__(f"{name}: {flaw}.")
        self.name = name
        if hint:
            self.hint = hint


class ServerUnreachable(SystemFault):
    """The server that a command wanted to talk to does not answer."""

    code = "system.server-unreachable"
    hint = "Check the address and that `plastinate serve` runs there."

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} does not answer: {reason}.")
        self.url = url


class PagesMissing(SystemFault):
    """The browser's part of Plastinate was left out of this installation."""

    code = "system.pages-missing"
    hint = (
        "Programs use it as /openapi.json describes. For the pages, install Plastinate again without "
        "PLASTINATE_WITHOUT_PAGES and with the npm registry in reach; in a checkout run `make install`."
    )

    def __init__(self) -> None:
        super().__init__("This server was installed without its pages.")


class ServerRefused(RequestError):
    """A server would not do what a command asked; it said why, with a code and a hint of its own."""

    code = "request.refused"
    hint = "Look at the case in the browser, or at the request."

    def __init__(self, sentence: str, *, code: str = "", hint: str = "", status: int = 0) -> None:
        super().__init__(sentence)
        self.remote_code = code
        self.status = status
        if hint:
            self.hint = hint


class CannotListen(SystemFault):
    """The address to listen on cannot be had."""

    code = "system.cannot-listen"
    hint = "Choose another with --port, or --port 0 for any that is free."

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"{host} port {port} cannot be listened on: {reason}.")
        self.host = host
        self.port = port


class UnsafeAddress(SystemFault):
    """Passwords and scans would cross a network in the clear."""

    code = "system.unsafe-address"
    hint = (
        "Give --certificate and --key; or put a reverse proxy with TLS before it and say so with "
        "--proxies 1 and --url https://..."
    )

    def __init__(self, flaw: str, *, hint: str | None = None) -> None:
        super().__init__(f"Passwords and scans could be read on their way: {flaw}.")
        if hint:
            self.hint = hint


class HomeTaken(SystemFault):
    """Another server runs on the same archive."""

    code = "system.home-taken"
    hint = "Stop it first, or give this one a folder of its own with --home."

    def __init__(self, home: str) -> None:
        super().__init__(f"Another server is running on {home}.")
        self.home = home


class ServerEnded(SystemFault):
    """A process of the server does not stay alive."""

    code = "system.server-ended"
    hint = "What it said stands above; start again when that is mended."

    def __init__(self, part: str, status: int) -> None:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        super().__init__(f"The {part} {how} and cannot be kept running.")
        self.part = part
        self.status = status
