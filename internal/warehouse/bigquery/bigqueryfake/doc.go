// Package bigqueryfake is a fake BigQuery for tests of a streaming writer. It speaks the
// real protocols on two loopback listeners: the gRPC service
// google.cloud.bigquery.storage.v1.BigQueryWrite, and the REST calls of bigquery/v2 for
// datasets, tables, views and query jobs. The client libraries cloud.google.com/go/bigquery and
// managedwriter run against the fake unmodified.
//
// The fake imitates:
//
//   - inserting and reading datasets and tables, with 404 and 409
//   - patching a table under its etag; a schema may only gain nullable columns or lose
//     a NOT NULL
//   - views, partitioning, clustering and descriptions, which are kept unchanged
//   - tabledata.insertAll and tabledata.list, without insertId, templates and selected
//     fields
//   - appends to the default stream, decoded by the descriptor of the client
//   - refused requests: one bad row refuses the whole request, and row_errors names the
//     bad rows
//   - the end of a connection after a descriptor with unknown columns
//   - updated_schema, once, on a connection that was open before a change, and the delay
//     until the Write API knows a change (Config.SchemaLag)
//   - the size limit of a request, and the partitions that accept rows (bounds)
//   - the end of an idle connection
//   - the delay until the Write API knows a new, recreated or truncated table, and the rows
//     that vanish meanwhile: see lifecycle.go
//   - the kinds of 403: see Denial, which testIamPermissions of a table knows, too
//   - JSON that encoding/json accepts and BigQuery refuses: see checkJSON
//   - rows written twice by the client library after a lost answer
//   - a view that selects one row of each key, or one text: see Server.View
//   - UPDATE and DELETE as jobs, if Config.Engine is a Changer: the rows change, with
//     dmlStats and the refusals of dml.go
//   - query jobs: dry runs, own ids, locations, maximumBytesBilled, cancellation, and
//     getQueryResults with pages and jobComplete=false; a MERGE with the numbers of rows
//
// The rows of a query job come from Config.Engine, which runs the statement over the
// stored rows. Tests use the engine of package bigquerytest, which is DuckDB. So a test
// shows how a client speaks of jobs, and what its portable statements return. The test
// does not show that GoogleSQL accepts a statement: "make sql" checks the statements of
// this module with Google's analyzer.
//
// The fake does not imitate:
//
//   - GoogleSQL: a view may hold any text, Server.View runs queries of two forms only, and
//     the engine of jobs has its own dialect
//   - the bytes that partitions, clusters and cached results save a query
//   - streams created by an application, offsets, change data capture and Arrow
//   - RECORD, REPEATED, and types that this module does not use
//   - permissions and quotas, except as a Denial or a Fault
//   - deleting and listing datasets, and scripts, DDL and INSERT as jobs
//   - time travel: maxTimeTravelHours is kept, and old rows cannot be read
//   - the delay until a row is visible
//
// Statuses, error codes and texts come from Google's documentation and from the source
// of public clients. No text was compared with Google's own server, so a client should
// decide by codes and not by texts.
package bigqueryfake
