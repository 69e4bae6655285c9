"""Studies as text and JSON: summaries, plans and tables of trials. Reads, never writes."""

from hptune.views.tables.baseline import baseline_dict, baseline_text
from hptune.views.tables.comparison import comparison_csv, comparison_json, comparison_text
from hptune.views.tables.confirmed import (
    confirmed_csv,
    confirmed_json,
    confirmed_text,
    finalist_dict,
    mean_text,
    read_confirmed,
    standing,
)
from hptune.views.tables.plans import plan_json, plan_text
from hptune.views.tables.proposals import proposal_csv, proposal_json, proposal_text
from hptune.views.tables.spark import sparkline
from hptune.views.tables.status import (
    describe_status,
    duration,
    follow,
    status_csv,
    status_dict,
    status_json,
    status_line,
    status_text,
)
from hptune.views.tables.summary import next_commands, ranges_text, summary_json, summary_text
from hptune.views.tables.text import JSON_VERSION, columns, format_value, to_csv, to_json
from hptune.views.tables.trials import curve_csv, trial_dict, trial_text, trials_csv, trials_json, trials_text

__all__ = [
    "JSON_VERSION",
    "baseline_dict",
    "baseline_text",
    "columns",
    "comparison_csv",
    "comparison_json",
    "comparison_text",
    "confirmed_csv",
    "confirmed_json",
    "confirmed_text",
    "curve_csv",
    "describe_status",
    "duration",
    "finalist_dict",
    "follow",
    "format_value",
    "mean_text",
    "next_commands",
    "plan_json",
    "plan_text",
    "proposal_csv",
    "proposal_json",
    "proposal_text",
    "ranges_text",
    "read_confirmed",
    "sparkline",
    "standing",
    "status_csv",
    "status_dict",
    "status_json",
    "status_line",
    "status_text",
    "summary_json",
    "summary_text",
    "to_csv",
    "to_json",
    "trial_dict",
    "trial_text",
    "trials_csv",
    "trials_json",
    "trials_text",
]
