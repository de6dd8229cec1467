package bigqueryfake

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/api/bigquery/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// A Config configures a Server. The zero Config works.
type Config struct {
	// GRPCAddr and RESTAddr are the addresses of the listeners. Default free ports of
	// 127.0.0.1.
	GRPCAddr, RESTAddr string
	// SchemaLag is the delay until the Write API knows a changed schema. The REST calls
	// show the change at once. Default 0. BigQuery's delay is some minutes.
	SchemaLag time.Duration
	// TableLag is the delay until the Write API knows that a table is new, deleted or
	// truncated: see lifecycle.go. Default 0. BigQuery's delay is some minutes.
	TableLag time.Duration
	// IdleClose is how long an AppendRows stream may be idle before the server closes
	// the stream. Default 10 minutes, as BigQuery: see writeAPI.AppendRows.
	IdleClose time.Duration
	// Discard makes the server count rows without decoding or keeping them. Benchmarks
	// of a client need this.
	Discard bool
	// Engine runs query jobs. Default none: the server answers 501 to jobs.
	Engine Engine
	// Now is the clock for the delays, the times of creation and the bounds of
	// partitions. Default time.Now.
	Now func() time.Time
}

// A Server is a fake BigQuery. Every project exists and is empty. A Server is safe for
// concurrent use.
type Server struct {
	cfg        Config
	rpc        *grpc.Server
	rest       *http.Server
	grpcL      *gate
	restL      *gate
	goroutines sync.WaitGroup
	hook       sync.Mutex // held while fault runs
	outage     sync.Mutex // held while both gates change

	mu       sync.Mutex
	datasets map[string]*bigquery.Dataset
	tables   map[string]*table
	deleted  map[string]*table // the last deleted table of a name
	etags    int
	changes  int // statements that have changed rows
	versions int // changes of rows
	counts   Counts
	fault    func(Request) Fault
	denial   *Denial
	jobs     map[string]*job
	jobOrder []*job
	life     context.Context //nolint:containedctx // of the jobs, which outlive their requests
	end      context.CancelFunc
}

// Counts are the numbers of connections, requests and bytes since the start.
type Counts struct {
	Connections int64 // opened AppendRows streams
	Appends     int64 // AppendRows requests, requests with a fault included
}

// Start starts a server that serves until Close.
func Start(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.IdleClose = cmp.Or(cfg.IdleClose, 10*time.Minute)
	s := &Server{cfg: cfg, datasets: map[string]*bigquery.Dataset{}, tables: map[string]*table{}, deleted: map[string]*table{}, jobs: map[string]*job{}}
	s.life, s.end = context.WithCancel(context.Background())
	var err error
	if s.grpcL, err = listen(cfg.GRPCAddr); err != nil {
		return nil, fmt.Errorf("listen for gRPC: %w", err)
	}
	if s.restL, err = listen(cfg.RESTAddr); err != nil {
		_ = s.grpcL.Close()
		return nil, fmt.Errorf("listen for REST: %w", err)
	}
	s.serve()
	return s, nil
}

func listen(addr string) (*gate, error) {
	l, err := net.Listen("tcp", cmp.Or(addr, "127.0.0.1:0")) //nolint:noctx // Listening on loopback does not block.
	if err != nil {
		return nil, err
	}
	return &gate{Listener: l, conns: map[net.Conn]struct{}{}}, nil
}

func (s *Server) serve() {
	// Google's front ends allow a ping of keep-alive every 30 s
	// (https://github.com/googleapis/java-bigtable/pull/528).
	s.rpc = grpc.NewServer(grpc.MaxRecvMsgSize(2*MaxRequestBytes), grpc.WaitForHandlers(true),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 30 * time.Second}))
	storagepb.RegisterBigQueryWriteServer(s.rpc, &writeAPI{server: s})
	s.rest = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	// Both return when Close closes their listeners, and for no other reason.
	s.goroutines.Go(func() { _ = s.rpc.Serve(s.grpcL) })
	s.goroutines.Go(func() { _ = s.rest.Serve(s.restL) })
}

// Close ends the server for good.
func (s *Server) Close() {
	s.Stop() // also closes hanging connections
	s.end()
	s.rpc.Stop()
	_ = s.rest.Close()
	s.goroutines.Wait()
}

// GRPCEndpoint returns the host:port of the Write API, which speaks without TLS.
func (s *Server) GRPCEndpoint() string { return s.grpcL.Addr().String() }

// RESTEndpoint returns the base URL of the REST calls.
func (s *Server) RESTEndpoint() string { return "http://" + s.restL.Addr().String() + basePath }

// Stop begins an outage: the server resets every connection, and new ones at once. The
// server keeps its data and its addresses.
func (s *Server) Stop() { s.setMode(resetting) }

// Hang begins an outage: the server resets every connection, and accepts new ones
// without ever answering.
func (s *Server) Hang() { s.setMode(hanging) }

// Restart ends an outage.
func (s *Server) Restart() { s.setMode(open) }

// setMode changes both gates. A client may notice the change of the first gate, and end the
// outage, before the second gate has changed.
func (s *Server) setMode(m mode) {
	s.outage.Lock()
	defer s.outage.Unlock()
	s.grpcL.set(m)
	s.restL.set(m)
}

// Counts returns the counts since the start.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}
