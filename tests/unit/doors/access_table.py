"""
Who may do what: every actor, at every URL of the library, with every method.

A line has methods, a URL, the state of the task, and the answers with those who get them; `*` is everybody
else. Staff are named by their permissions, such as `view+cancel`. An answer is a status, the private values
that it shows, and what it does:

    v the return value     a an argument     e the text of the error     t the traceback
    p the progress         o the owner       b the body of an unreadable message

    !  it changes a record or a body, or creates one
    +  the admin's log gets an entry of it

HEAD shows nothing, so it has no lines: it answers with the status of GET. Without a CSRF token every POST is
refused, whoever asks; those cells aren't written down either.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.unit.doors.access_site import ACTORS

METHODS = {
    "ALL": "GET POST PUT PATCH DELETE OPTIONS",
    "REST": "PUT PATCH DELETE OPTIONS",
}
ACTORS_TOGETHER = {
    # Staff who may see every task, with no or one other permission.
    "VIEWERS": "superuser view view+cancel view+retry view+redrive view+discard view+body "
    "view+pause view+resume view+run",
    # Staff who may see no task.
    "BLIND": "none cancel retry redrive discard body pause resume run",
    "CANCELLERS": "superuser view+cancel",
    # Clients who aren't signed in, and a user who was switched off.
    "GUESTS": "anonymous bearer page other-bearer other-page late-bearer late-page inactive",
}

TABLE = """
GET               status            waiting | 200 bearer owner VIEWERS | 404 *
GET               status            running | 200 p bearer owner VIEWERS | 404 *
GET               status            done    | 200 vp bearer owner VIEWERS | 404 *
GET               status            failed  | 200 p bearer | 200 ep owner | 200 etp VIEWERS | 404 *
GET               status            dead    | 200 p bearer | 200 ep owner VIEWERS | 404 *
GET               status            twin    | 200 vp bearer owner VIEWERS | 404 *
GET               status            lent    | 200 p bearer visitor | 200 vp VIEWERS | 404 *
GET               status       lent-failed  | 200 p bearer visitor | 200 etp VIEWERS | 404 *
GET               status            unknown | 404 *
POST REST         status            done    | 405 *

GET               progress          waiting | 200 bearer page owner VIEWERS | 404 *
GET               progress          running | 200 p bearer page owner VIEWERS | 404 *
GET               progress          done    | 200 bearer page owner VIEWERS | 404 *
GET               progress          failed  | 200 bearer page owner VIEWERS | 404 *
GET               progress          lent    | 200 bearer page visitor VIEWERS | 404 *
GET               progress     lent-running | 200 p bearer page visitor VIEWERS | 404 *
GET               progress          unknown | 404 *
POST REST         progress          running | 405 *

POST              cancel            waiting | 202! owner | 202!+ CANCELLERS cancel | 404 *
POST              cancel            running | 202! p owner | 202!+ p CANCELLERS | 202!+ cancel | 404 *
POST              cancel            done    | 409 vp owner CANCELLERS | 409 cancel | 404 *
POST              cancel            failed  | 409 ep owner | 409 etp CANCELLERS | 409 cancel | 404 *
POST              cancel            twin    | 409 vp owner CANCELLERS | 409 cancel | 404 *
POST              cancel       lent-failed  | 409 p visitor | 409 etp CANCELLERS | 409 cancel | 404 *
POST              cancel       lent-running | 409 p visitor CANCELLERS | 409 cancel | 404 *
POST              cancel            unknown | 404 *
GET REST          cancel            waiting | 405 *

GET OPTIONS       start             -       | 403 GUESTS | 200 *
POST              start             -       | 403 GUESTS | 202! *
PUT PATCH DELETE  start             -       | 403 GUESTS | 405 *

GET               changelist        -       | 200 po VIEWERS | 403 BLIND | 302 *
GET               changelist:failed -       | 200 eo VIEWERS | 403 BLIND | 302 *
GET               changelist:dead   -       | 200 eo VIEWERS | 403 BLIND | 302 *
POST REST         changelist        -       | 405 VIEWERS BLIND | 302 *
GET               change            running | 200 apo VIEWERS | 403 BLIND | 302 *
GET               change            done    | 200 vaetpo VIEWERS | 403 BLIND | 302 *
GET               change            failed  | 200 aetpo VIEWERS | 403 BLIND | 302 *
GET               change            twin    | 200 ao VIEWERS | 403 BLIND | 302 *
GET               change            lent    | 200 a VIEWERS | 403 BLIND | 302 *
GET               change            unknown | 404 VIEWERS | 403 BLIND | 302 *
POST REST         change            done    | 405 VIEWERS BLIND | 302 *
GET               history           done    | 200 VIEWERS | 403 BLIND | 302 *
POST REST         history           done    | 405 VIEWERS BLIND | 302 *
ALL               add               -       | 403 VIEWERS BLIND | 302 *
ALL               delete            done    | 403 VIEWERS BLIND | 302 *
ALL               to-change         done    | 302 *
GET               queues            -       | 200 VIEWERS | 403 BLIND | 302 *
POST REST         queues            -       | 405 VIEWERS BLIND | 302 *
GET               schedules         -       | 200 VIEWERS | 403 BLIND | 302 *
POST REST         schedules         -       | 405 VIEWERS BLIND | 302 *

GET               unreadable        -       | 200 VIEWERS | 403 BLIND | 302 *
GET               unreadable:body   -       | 200 b superuser view+body | 200 VIEWERS | 403 BLIND | 302 *
POST              unreadable        -       | 302!+ superuser view+discard | 403 VIEWERS BLIND | 302 *
REST              unreadable        -       | 405 VIEWERS BLIND | 302 *

POST              act:cancel        running | 200 CANCELLERS | 403 VIEWERS BLIND | 302 *
POST              act:cancel!       waiting | 302!+ CANCELLERS | 403 VIEWERS BLIND | 302 *
POST              act:cancel!       running | 302!+ CANCELLERS | 403 VIEWERS BLIND | 302 *
POST              act:cancel!       done    | 302 CANCELLERS | 403 VIEWERS BLIND | 302 *
POST              act:cancel!  lent-running | 302 CANCELLERS | 403 VIEWERS BLIND | 302 *
POST              act:retry         failed  | 200 superuser view+retry | 403 VIEWERS BLIND | 302 *
POST              act:retry!        failed  | 302!+ superuser view+retry | 403 VIEWERS BLIND | 302 *
POST              act:redrive       dead    | 200 superuser view+redrive | 403 VIEWERS BLIND | 302 *
POST              act:redrive!      dead    | 302!+ superuser view+redrive | 403 VIEWERS BLIND | 302 *
POST              act:discard       failed  | 200 superuser view+discard | 403 VIEWERS BLIND | 302 *
POST              act:discard!      failed  | 302!+ superuser view+discard | 403 VIEWERS BLIND | 302 *
GET REST          act:cancel!       waiting | 405 VIEWERS BLIND | 302 *

POST              schedules_act:pause   -   | 200 superuser view+pause | 403 VIEWERS BLIND | 302 *
POST              schedules_act:pause!  -   | 302!+ superuser view+pause | 403 VIEWERS BLIND | 302 *
POST              schedules_act:resume  -   | 200 superuser view+resume | 403 VIEWERS BLIND | 302 *
POST              schedules_act:resume! -   | 302!+ superuser view+resume | 403 VIEWERS BLIND | 302 *
POST              schedules_act:run     -   | 200 superuser view+run | 403 VIEWERS BLIND | 302 *
POST              schedules_act:run!    -   | 302!+ superuser view+run | 403 VIEWERS BLIND | 302 *
GET REST          schedules_act:pause!  -   | 405 VIEWERS BLIND | 302 *
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one actor gets for one method at one URL."""

    actor: str
    method: str
    endpoint: str
    state: str
    status: int
    shows: str = ""
    changes: bool = False
    is_logged: bool = False
    csrf: bool = True


def cells(endpoint: str) -> Iterator[Cell]:
    """Yield every cell of the endpoints with this name: those of the table, and those that follow from it."""
    for line in filter(None, TABLE.splitlines()):
        head, *answers = line.split("|")
        *words, name, state = head.split()
        if name.partition(":")[0] != endpoint:
            continue
        for actor, (status, shows, marks) in by_actor(answers).items():
            for method in (method for word in words for method in METHODS.get(word, word).split()):
                yield Cell(actor, method, name, state, status, shows, "!" in marks, "+" in marks)
                if method == "GET":
                    yield Cell(actor, "HEAD", name, state, status)
                elif method == "POST":
                    yield Cell(actor, method, name, state, 403, csrf=False)


def by_actor(answers: list[str]) -> dict[str, tuple[int, str, str]]:
    """Return the status, the values and the marks of each actor's answer. The first that names one counts."""
    found: dict[str, tuple[int, str, str]] = {}
    for answer in answers:
        status, *words = answer.split()
        shows = words.pop(0) if set(words[0]) <= set("vaetpob") else ""
        names = [name for word in words for name in ACTORS_TOGETHER.get(word, word).split()]
        for actor in ACTORS if names == ["*"] else names:
            found.setdefault(actor, (int(status[:3]), shows, status[3:]))
    return found
