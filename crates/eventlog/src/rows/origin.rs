//! Columns that say who and what a job or query runs for.

use crate::event::Origin;
use sparklake_schema::RowBuilder;

/// Appends the columns that `jobs` and `sql` share.
pub(super) fn append_origin(row: &mut RowBuilder<'_>, origin: &Origin) {
    row.opt_string("user_name", origin.user_name.as_deref())
        .opt_string("session_id", origin.session_id.as_deref())
        .opt_string("statement_id", origin.statement_id.as_deref())
        .opt_string("notebook_id", origin.notebook_id.as_deref())
        .opt_string("notebook_path", origin.notebook_path.as_deref())
        .opt_string("platform_job_id", origin.platform_job_id.as_deref())
        .opt_string("platform_run_id", origin.platform_run_id.as_deref())
        .opt_string("streaming_query_id", origin.streaming_query_id.as_deref());
}
