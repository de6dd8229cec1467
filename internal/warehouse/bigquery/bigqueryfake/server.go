package bigqueryfake

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/api/bigquery/v2"
	"google.golang.org/grpc"
)

// A Config configures a Server. The zero Config works.
type Config struct {
	// GRPCAddr and RESTAddr are listened on; free ports of 127.0.0.1 by default.
	GRPCAddr, RESTAddr string
	// SchemaLag is how long the Write API does not know of a changed schema,
	// which the REST calls show at once; none by default. BigQuery's is in the
	// order of minutes.
	SchemaLag time.Duration
	// Discard counts rows without decoding or keeping them, for measurements of
	// a client.
	Discard bool
	// Now is the clock that SchemaLag goes by; time.Now by default.
	Now func() time.Time
}

// A Server is a BigQuery with empty projects of every name. It is safe for
// concurrent use.
type Server struct {
	cfg        Config
	rpc        *grpc.Server
	rest       *http.Server
	grpcL      *gate
	restL      *gate
	goroutines sync.WaitGroup
	hook       sync.Mutex // held while fault runs

	mu       sync.Mutex
	datasets map[string]*bigquery.Dataset
	tables   map[string]*table
	etags    int
	counts   Counts
	fault    func(Request) Fault
}

// Counts say what has arrived since the start.
type Counts struct {
	Connections int64 // AppendRows streams that were opened
	Appends     int64 // requests, faults included
	Bytes       int64 // of the rows of these requests
}

// Start listens and serves until Close.
func Start(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, datasets: map[string]*bigquery.Dataset{}, tables: map[string]*table{}}
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
	l, err := net.Listen("tcp", cmp.Or(addr, "127.0.0.1:0")) //nolint:noctx // There is nothing to wait for.
	if err != nil {
		return nil, err
	}
	return newGate(l), nil
}

func (s *Server) serve() {
	s.rpc = grpc.NewServer(grpc.MaxRecvMsgSize(2*MaxRequestBytes), grpc.WaitForHandlers(true))
	storagepb.RegisterBigQueryWriteServer(s.rpc, &writeAPI{server: s})
	s.rest = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	// Both return when Close closes their listeners, and for no other reason.
	s.goroutines.Go(func() { _ = s.rpc.Serve(s.grpcL) })
	s.goroutines.Go(func() { _ = s.rest.Serve(s.restL) })
}

// Close ends the server for good.
func (s *Server) Close() {
	s.Stop() // lets go of connections that hang, too
	s.rpc.Stop()
	_ = s.rest.Close()
	s.goroutines.Wait()
}

// GRPCEndpoint is the host:port of the Write API, without TLS.
func (s *Server) GRPCEndpoint() string { return s.grpcL.Addr().String() }

// RESTEndpoint is the base URL of the REST calls.
func (s *Server) RESTEndpoint() string { return "http://" + s.restL.Addr().String() + basePath }

// Stop begins an outage: every connection breaks, and new ones are reset at
// once. What was stored is kept, and the addresses stay the server's.
func (s *Server) Stop() { s.setMode(resetting) }

// Hang begins an outage in which every connection breaks, and new ones are
// accepted and never answered.
func (s *Server) Hang() { s.setMode(hanging) }

// Restart ends an outage.
func (s *Server) Restart() { s.setMode(open) }

func (s *Server) setMode(m mode) {
	s.grpcL.set(m)
	s.restL.set(m)
}

// Counts returns what has arrived since the start.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}
