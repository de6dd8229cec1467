// Bench measures the product on this machine, beside baselines that run in the
// same minutes on the same machine: only the ratios mean anything elsewhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	key         = "bench-signing-key"
	connections = 256
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{"all"}
	}
	switch args[0] {
	case "nats":
		return runNATS(ctx, args[1])
	case "baseline":
		return runBaseline(ctx, key)
	}
	dir, err := os.MkdirTemp("", "cioevents-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	switch args[0] {
	case "ingest":
		return benchIngest(ctx, dir)
	case "worker":
		return benchWorker(ctx, dir)
	case "all":
		return errors.Join(benchIngest(ctx, dir), benchWorker(ctx, dir))
	}
	return fmt.Errorf("unknown part %q: it is ingest, worker or all", args[0])
}

// build compiles one of the product's programs into dir.
func build(ctx context.Context, dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/"+name)
	cmd.Stderr = os.Stderr
	if name == "ingest" {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	return path, cmd.Run()
}

// benchIngest measures the receiver beside one that has no queue.
func benchIngest(ctx context.Context, dir string) error {
	path, err := build(ctx, dir, "ingest")
	if err != nil {
		return err
	}
	nats, err := startSelf(ctx, "nats", filepath.Join(dir, "nats"))
	if err != nil {
		return err
	}
	defer nats.stop()
	base, err := startSelf(ctx, "baseline")
	if err != nil {
		return err
	}
	defer base.stop()
	addr, admin := freeAddr(), freeAddr()
	ing, err := startProgram(ctx, path, "INGEST_ADDR="+addr, "ADMIN_ADDR="+admin, "NATS_URL="+nats.addr,
		"CUSTOMERIO_WEBHOOK_SECRET="+key, "LOG_LEVEL=warn", "DRAIN_DELAY=0")
	if err != nil {
		return err
	}
	defer ing.stop()
	if err := waitReady(ctx, admin); err != nil {
		return err
	}
	for round := range 3 {
		b0 := base.cpu()
		b, err := load{addr: base.addr, key: key, connections: connections, warmup: time.Second, duration: 5 * time.Second}.run(ctx)
		if err != nil {
			return err
		}
		baseCPU := float64((base.cpu() - b0).Microseconds()) / (b.perSecond * 6)
		c0, n0 := ing.cpu(), nats.cpu()
		i, err := load{addr: addr, key: key, connections: connections, warmup: time.Second, duration: 5 * time.Second}.run(ctx)
		if err != nil {
			return err
		}
		total := i.perSecond * 6
		fmt.Printf("round %d: baseline %.0f/s p50 %v p99 %v | ingest %.0f/s p50 %v p99 %v %v | ratio %.1f %% | per event: baseline %.1f µs, ingest %.1f µs, NATS %.1f µs; RSS %.0f MiB\n", round+1,
			b.perSecond, b.p50, b.p99, i.perSecond, i.p50, i.p99, i.statuses, 100*i.perSecond/b.perSecond, baseCPU,
			float64((ing.cpu()-c0).Microseconds())/total, float64((nats.cpu()-n0).Microseconds())/total, ing.peakRSS())
	}
	for _, t := range []struct{ name, addr string }{{"baseline", base.addr}, {"ingest", addr}} {
		r, err := load{addr: t.addr, key: key, connections: 64, rate: 2000, warmup: time.Second, duration: 5 * time.Second}.run(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s at 2,000/s: %.0f/s p50 %v p99 %v max %v\n", t.name, r.perSecond, r.p50, r.p99, r.max)
	}
	return nil
}

func freeAddr() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	defer ln.Close()
	return ln.Addr().String()
}

// waitReady waits until the program says that it can do its work.
func waitReady(ctx context.Context, admin string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := &http.Client{Timeout: time.Second}
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("not ready after 30 s")
}
