// Package bigqueryfake is a stand-in for BigQuery, as far as a streaming writer
// meets it. It speaks the real protocols on two loopback listeners, so that
// cloud.google.com/go/bigquery and its managedwriter run against it unmodified:
// the gRPC service google.cloud.bigquery.storage.v1.BigQueryWrite, and the REST
// calls of bigquery/v2 for datasets, tables and views.
//
// What it imitates: inserting and reading datasets and tables, with 404 and 409;
// patching a table under its etag, and that a schema may only gain nullable
// columns or lose a NOT NULL; that views, partitioning, clustering and
// descriptions are kept as they came; appends to the default stream, decoded by
// the descriptor that the client sent; that one bad row refuses its whole
// request and that row_errors names the bad ones; that a descriptor with unknown
// columns ends the connection; updated_schema, once, on a connection that was
// open before a change, and the time until the service notices a change
// (Config.SchemaLag); the limit of a request; that a lost answer leads the
// client library to write the rows twice.
//
// What it does not imitate: SQL, so that a view may hold any text and nothing
// reads through it; streams that an application creates, offsets, change data
// capture and Arrow; RECORD, REPEATED and the types that the product does not
// use; permissions and quotas, except as a Fault; deleting and listing; the
// delay until a row is visible.
//
// Statuses, error codes and texts are taken from Google's documentation and from
// what public clients look for. None of them was compared with Google's own
// server, so a client should decide by codes and not by these texts.
package bigqueryfake
