"""Every field of every message, altered: on its way inside the protection, or by the party that signs it.

Invalid solely because of that one field: whatever stands around it is computed over the altered value.
"""

from dataclasses import replace

from ..model.protocol.tables import profile
from ..model.table import NET
from .bench import Bench
from .case import Case, fault, for_each
from .plan import Planned, plan
from .stages import stage_of

ELSEWHERE = ("DATA_CONTENT_I", "DATA_CONTENT_R")
"""What need not be in the frame where labels may carry the digest of content that travels elsewhere (LBL-10)."""


def _case(planned: Planned) -> Case:
    case = fault(planned.role, planned.check, f"{planned.how}-{planned.operator}", planned.field, planned)
    return replace(case, only="edhoc") if profile().messages[planned.message].channel == NET else case


@for_each(_case(planned) for planned in plan())
def test_field(case: Case, bench: Bench) -> None:
    """The altered field is refused by the check that the table names for it."""
    planned: Planned = case.data
    if planned.operator == "absent" and planned.field.endswith(ELSEWHERE):
        bench.iut.need_feature("hash_envelope", False)
    bench.refuses(planned.deviation(), stage_of(planned.message))
