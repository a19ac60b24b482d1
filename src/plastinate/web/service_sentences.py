"""The sentences with which the services refuse something, as templates; `{places}` hold their numbers.

They are exact English, for scripts and logs; a page says them in the reader's language. A test holds that
every refusal a page may meet is here.
"""

from __future__ import annotations

from plastinate.web.marked import N_

REFUSALS = (
    # what is not there
    N_("There is no such case."),
    N_("There is no such build."),
    N_("There is no such job."),
    N_("There is no such file."),
    N_("There is no such picture."),
    N_("There is no such person."),
    N_("There is no such share."),
    N_("There is no such link."),
    N_("There is no such token."),
    N_("There is no such invitation."),
    N_("There is no such upload."),
    N_("This invitation has expired."),
    N_("This invitation was used already."),
    N_("This upload has expired."),
    N_("A newer link may have replaced it. Ask an administrator for a new one."),
    N_("Sign in with the password that was chosen; an administrator can make a new link."),
    # what somebody may not do
    N_("You are not signed in."),
    N_("You may not see this case."),
    N_("You may not change this case."),
    N_("You may not do this with someone else's case."),
    N_("You may not do this without being an administrator."),
    N_("The Host of the request is not this server's."),
    N_("Too many tries in a short time."),
    N_("The request was refused: it comes from another site."),
    N_("The request was refused: its token is missing or belongs to another session."),
    # fields
    N_("It must not be empty."),
    N_("It has {count} characters, more than the {most} allowed."),
    N_("They have {count} characters, more than the {most} allowed."),
    N_("There are {count}, more than the {most} allowed."),
    N_("It is not an e-mail address."),
    N_("It must be 1 to {most} days."),
    N_("It must be 1 to {most}."),
    N_("It must be a number."),
    N_("This person owns the case."),
    N_("This case is a scan, and no picture."),
    N_("This case is one picture: say what to make of it."),
    # states
    N_("Someone with this e-mail address is there already."),
    N_("Find them in the list; a new link to choose a password can be made there."),
    N_("Ask an administrator."),
    N_("This person may not sign in."),
    N_("Let them sign in again first."),
    N_("This is the last administrator."),
    N_("Make someone else an administrator first."),
    N_("Someone else has changed this case meanwhile."),
    N_("Someone else has changed it meanwhile."),
    N_("The case is in the trash."),
    N_("The scan has not been looked at yet."),
    N_("Wait until its inspection is there."),
    N_("Put it into the trash first."),
    N_("The case is not in the trash."),
    N_("One of these uploads belongs to another case already."),
    N_("{count} jobs of yours wait or run."),
    N_("Wait until some are done, or stop some."),
    N_("An upload is not whole yet."),
    N_("The upload is not whole yet."),
    N_("Send the rest of it first."),
    N_("The archive's disk is full."),
    N_("Too many live streams are open."),
)
# How a job fails, with its numbers; of the others a page says the heading, and the sentence as it is.
FAILURES = (
    N_("Neither a scan nor a picture was found in {path} ({count} files looked at)."),
    N_("Neither a scan nor a picture was found in {path} ({count} file looked at)."),
    N_(
        "{share} of the slices are missing; the widest gap is {gap} mm after slice {slice}, "
        "where the spacing is {spacing} mm."
    ),
    N_("Nothing was found for {name}."),
    N_("The scan was stated to be {stated}, and its files say {said}."),
    N_("There is no series {number}."),
    N_("There is no phase {number}."),
    N_("The model {name} is not on this machine, and fetching is switched off ({setting})."),
    N_("The model {name} is not on this machine, and models are fetched by command only ({setting})."),
    N_("The model {name} was not used: {path} has other bytes than its card says (SHA-256 differs)."),
    N_("The model {name} is under {licence}, and nobody here has agreed to it yet."),
    N_("The model {name} is under {licence}, which forbids commercial use."),
    N_("{file} could not be fetched: {reason}."),
    N_("The job was stopped after {count} seconds."),
    N_("The job needed more than {count} GB of memory."),
)
# What is done at a terminal or over the API in one way, and on a page in another.
REFUSALS_ON_A_PAGE = {
    "Restore it first.": N_("Take it back from the trash first."),
    "This link has expired.": N_("This link no longer works: its time is over, or it was ended."),
    'It must be "view" or "edit".': N_("Choose one from the list."),
}
