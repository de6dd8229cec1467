package bigqueryfake

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A connection is an AppendRows stream. It keeps the stream name and the descriptor of
// its first request.
type connection struct {
	server *Server
	stream string
	table  *table
	rows   *decoder
	// schema is the last schema that the client knows.
	schema *storagepb.TableSchema
}

// serve serves requests until the client closes the stream. Between requests, idle is
// running.
func (c *connection) serve(stream storagepb.BigQueryWrite_AppendRowsServer, idle *time.Timer) error {
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		idle.Stop()
		resp, err := c.append(stream.Context(), req)
		if err != nil {
			return err
		}
		if err := stream.Send(resp); err != nil {
			return err
		}
		idle.Reset(c.server.cfg.IdleClose)
	}
}

// append serves a request. An error ends the connection.
func (c *connection) append(ctx context.Context, req *storagepb.AppendRowsRequest) (*storagepb.AppendRowsResponse, error) {
	if err := c.server.denied(); err != nil {
		return nil, err
	}
	if err := c.prepare(req); err != nil {
		return nil, err
	}
	rows := req.GetProtoRows().GetRows().GetSerializedRows()
	f := c.server.nextFault(rows)
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	if err := f.connectionError(c.stream); err != nil {
		return nil, err
	}
	resp := f.response(c.stream)
	if resp == nil {
		resp = c.apply(req, rows)
	}
	if f.Kind == DropAfter {
		return nil, errDropped
	}
	resp.WriteStream = c.stream
	resp.UpdatedSchema = c.updatedSchema()
	return resp, nil
}

// prepare reads the stream and the descriptor of the rows. The first request of a
// connection must have both; a later request may replace either.
func (c *connection) prepare(req *storagepb.AppendRowsRequest) error {
	if name := req.GetWriteStream(); name != "" && name != c.stream {
		t, err := c.server.destination(name)
		if err != nil {
			return err
		}
		c.stream, c.table, c.rows, c.schema = name, t, nil, nil
	}
	if err := c.stale(); err != nil {
		return err
	}
	if c.table == nil {
		return status.Error(codes.InvalidArgument, "the first request must name a write_stream")
	}
	if d := req.GetProtoRows().GetWriterSchema().GetProtoDescriptor(); d != nil {
		schema := c.server.writeSchema(c.table)
		rows, err := newDecoder(c.stream, d, schema)
		if rows != nil {
			rows.bounds = c.server.boundsOf(c.table)
		}
		if err != nil {
			return err
		}
		c.rows, c.schema = rows, schema
	}
	if c.rows == nil {
		return status.Error(codes.InvalidArgument, "Invalid proto schema: writer_schema is missing in the first request")
	}
	return nil
}

// stale returns an error after the table of the connection was recreated.
func (c *connection) stale() error {
	if c.table == nil {
		return nil
	}
	t, err := c.server.destination(c.stream)
	if err == nil && t != c.table {
		err = tableRecreated(tableOf(c.stream))
	}
	return err
}

// apply stores all rows or none.
func (c *connection) apply(req *storagepb.AppendRowsRequest, rows [][]byte) *storagepb.AppendRowsResponse {
	if size := proto.Size(req); size > MaxRequestBytes {
		return refusal(status.New(codes.InvalidArgument, "AppendRows request too large: "+strconv.Itoa(size)+" bytes"), nil)
	}
	if req.GetOffset() != nil {
		return refusal(status.New(codes.InvalidArgument, "offset is not allowed for the _default stream"), nil)
	}
	if c.server.cfg.Discard {
		c.server.store(c.table, nil, len(rows))
		return stored()
	}
	decoded, bad := c.rows.decode(rows)
	if len(bad) > 0 {
		return refusal(badRows(c.stream), bad)
	}
	c.server.store(c.table, decoded, len(decoded))
	return stored()
}

func stored() *storagepb.AppendRowsResponse {
	return &storagepb.AppendRowsResponse{Response: &storagepb.AppendRowsResponse_AppendResult_{
		AppendResult: &storagepb.AppendRowsResponse_AppendResult{},
	}}
}

// updatedSchema returns the table's schema once after each change, and otherwise nil.
func (c *connection) updatedSchema() *storagepb.TableSchema {
	schema := c.server.writeSchema(c.table)
	if schema == c.schema {
		return nil
	}
	c.schema = schema
	return schema
}

func (s *Server) store(t *table, rows []map[string]any, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Now().Before(t.dropUntil) {
		return
	}
	t.rows = append(t.rows, rows...)
	t.len += n
	t.changed = s.cfg.Now()
	s.touch(t)
}
