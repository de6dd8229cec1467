package bigquery

// keyColumns are the columns by which the view and a compaction find the rows of one
// event. PARTITION BY and GROUP BY treat a NULL metric as equal to a NULL metric.
//
// The time of an event never changes, so the key does not need the timestamp. With the
// timestamp and the metric in the key, BigQuery can apply a filter on either before it
// compares rows, and a filter on the timestamp limits the partitions of the table.
const keyColumns = "workspace, event_id, metric, `timestamp`"

// bestFirst sorts the rows of one event:
//
//  1. An erased row comes first. Otherwise a replay would show erased data again.
//  2. A row with the columns of this release comes before a row of an older worker.
//     Three columns decide, because BigQuery charges for every column that a view
//     reads. Nearly every message has a source. bounce_class and preferences cost
//     nothing where they are NULL, and a row that Backfill has filled lacks bounce_class.
//  3. The row received first comes before later ones.
const bestFirst = "erased_at IS NULL, source IS NULL, bounce_class IS NULL, preferences IS NULL, received_at, stream_sequence"

// oneOfEach selects one row of each event.
const oneOfEach = "ROW_NUMBER() OVER (PARTITION BY " + keyColumns + " ORDER BY " + bestFirst + ") = 1"
