package bigqueryfake

import (
	"context"
	"strings"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// MaxRequestBytes is the size of the largest AppendRows request. The API reference says
// 10 MB; BigQuery's page of quotas said 20 MB in May 2026. The fake enforces the lower
// limit, which satisfies both.
const MaxRequestBytes = 10 << 20

// writeAPI implements the gRPC service. Server has only the methods for tests.
type writeAPI struct {
	storagepb.UnimplementedBigQueryWriteServer

	server *Server
}

// GetWriteStream describes a default stream.
func (a *writeAPI) GetWriteStream(_ context.Context, r *storagepb.GetWriteStreamRequest) (*storagepb.WriteStream, error) {
	if err := a.server.denied(); err != nil {
		return nil, err
	}
	t, err := a.server.destination(r.GetName())
	if err != nil {
		return nil, err
	}
	return &storagepb.WriteStream{
		Location:    t.location,
		Name:        r.GetName(),
		Type:        storagepb.WriteStream_COMMITTED,
		CreateTime:  timestamppb.New(time.UnixMilli(a.server.creation(t))),
		TableSchema: a.server.writeSchema(t),
		WriteMode:   storagepb.WriteStream_INSERT,
	}, nil
}

// AppendRows serves one connection. BigQuery closes an idle connection after 10 minutes
// (https://github.com/googleapis/python-bigquery-storage/issues/593).
func (a *writeAPI) AppendRows(stream storagepb.BigQueryWrite_AppendRowsServer) error {
	a.server.connected()
	c := &connection{server: a.server}
	served := make(chan error, 1)
	idle := time.NewTimer(a.server.cfg.IdleClose)
	defer idle.Stop()
	go func() { served <- c.serve(stream, idle) }()
	select {
	case err := <-served:
		return err
	case <-idle.C: // the end of the call ends serve
		return status.Errorf(codes.Aborted, "Closing the stream because it has been inactive for %.0f seconds. Entity: an append stream", a.server.cfg.IdleClose.Seconds())
	}
}

// destination returns the table of a default stream. A table has no other stream.
func (s *Server) destination(stream string) (*table, error) {
	name := tableOf(stream)
	if stream != name+"/streams/_default" && stream != name+"/_default" {
		return nil, streamNotFound(stream)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.served(name)
	switch {
	case t == nil:
		return nil, tableNotFound(name)
	case t.meta.Schema == nil:
		return nil, status.Error(codes.InvalidArgument, "Streaming to "+name+" is not supported: it is a view")
	}
	return t, nil
}

// creation returns the time of the table's creation in milliseconds, which is also that of
// its default stream (comment of WriteStream.create_time).
func (s *Server) creation(t *table) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.meta.CreationTime
}

// writeSchema returns the schema that the Write API uses now.
func (s *Server) writeSchema(t *table) *storagepb.TableSchema {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.schemaAt(s.cfg.Now())
}

func (s *Server) connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Connections++
}

// tableOf returns the name of a stream's table.
func tableOf(stream string) string {
	name, _, _ := strings.Cut(stream, "/streams/")
	return strings.TrimSuffix(name, "/_default")
}
