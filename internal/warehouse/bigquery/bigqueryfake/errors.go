package bigqueryfake

import (
	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errDropped = status.Error(codes.Unavailable, "Closing the connection")

// storageError returns a status with a StorageError detail. Clients distinguish causes
// by the code of the detail.
func storageError(c codes.Code, code storagepb.StorageError_StorageErrorCode, entity, text string) error {
	st, err := status.New(c, text).WithDetails(&storagepb.StorageError{Code: code, Entity: entity, ErrorMessage: text})
	if err != nil {
		return status.Errorf(codes.Internal, "describe %q: %v", text, err)
	}
	return st.Err()
}

func tableNotFound(name string) error {
	return storageError(codes.NotFound, storagepb.StorageError_TABLE_NOT_FOUND, name,
		"Requested entity was not found: table not found "+name)
}

func tableRecreated(name string) error {
	return storageError(codes.NotFound, storagepb.StorageError_TABLE_NOT_FOUND, name,
		"Requested entity was not found: table "+name+" is re-created")
}

func streamNotFound(name string) error {
	return storageError(codes.NotFound, storagepb.StorageError_STREAM_NOT_FOUND, name,
		"Requested entity was not found: "+name)
}

func extraFields(stream, names string) error {
	return storageError(codes.InvalidArgument, storagepb.StorageError_SCHEMA_MISMATCH_EXTRA_FIELDS, stream,
		"Schema mismatch: Input schema has more fields than BigQuery schema, extra fields: '"+names+"'")
}

func badRows(stream string) *status.Status {
	return status.New(codes.InvalidArgument, "Errors found while processing rows. Please refer to the row_errors field for details. "+
		"The list may not be complete because of the size limitations. Entity: "+stream)
}

func rowError(index int, text string) *storagepb.RowError {
	return &storagepb.RowError{Index: int64(index), Code: storagepb.RowError_FIELDS_ERROR, Message: text}
}

// refusal returns a response that refuses the rows and keeps the connection open.
func refusal(st *status.Status, rows []*storagepb.RowError) *storagepb.AppendRowsResponse {
	return &storagepb.AppendRowsResponse{
		Response:  &storagepb.AppendRowsResponse_Error{Error: st.Proto()},
		RowErrors: rows,
	}
}
