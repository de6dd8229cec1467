package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/test/lab"
)

// Roles of this program beside the bench itself.
const (
	baselineRole = "baseline"
	bigQueryRole = "bigquery"
	coresRole    = "cores"
	fillRole     = "fill"
	drainRole    = "drain"
	growthRole   = "growth-step"
)

var roles = []string{lab.NATSRole, baselineRole, bigQueryRole, coresRole, fillRole, drainRole, growthRole}

// startedByItself reports whether the parent of this process is this program, or unknown. A
// program that was built again is "deleted".
func startedByItself() bool {
	parent, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", os.Getppid()))
	self, err2 := os.Executable()
	return err != nil || err2 != nil || strings.TrimSuffix(parent, " (deleted)") == self
}

// runRole runs a role in a process of its own, so that its memory and processor
// time are measured apart. It reports false when name is not a role.
func runRole(ctx context.Context, name string, args []string) (bool, error) {
	if slices.Contains(roles, name) && !startedByItself() {
		return true, fmt.Errorf("%w: %s is a process that bench starts by itself; see --help", errUsage, name)
	}
	switch {
	case name == lab.NATSRole:
		return true, lab.RunNATS(ctx, args)
	case name == baselineRole && len(args) == 1:
		return true, runBaseline(ctx, args[0])
	case name == bigQueryRole && len(args) == 2:
		return true, runBigQuery(ctx, args[0], args[1])
	case name == coresRole:
		return true, runCores(ctx, os.Stdout)
	case name == drainRole && len(args) == 2:
		return true, runOn(ctx, args[0], args[1], drainRaw)
	case name == fillRole && len(args) == 2:
		return true, runOn(ctx, args[0], args[1], fillStream)
	case name == growthRole:
		return true, runGrowthStep(ctx, args)
	}
	return false, nil
}

// startRole starts this program in a role that listens on the given addresses, and
// waits until the last address accepts connections.
func startRole(ctx context.Context, stdout io.Writer, role string, addrs ...string) (*lab.Process, error) {
	if len(addrs) == 0 {
		return nil, errors.New("start role: no address")
	}
	p, err := lab.Self(role, addrs...)
	if err != nil {
		return nil, err
	}
	p.Stdout, p.Addr = stdout, addrs[len(addrs)-1]
	err = p.StartListening(ctx)
	return p, err
}

// runBaseline is the receiver that tutorials teach: Echo, verify, answer. The
// receiver loses every event, and is as fast as a receiver in Go gets.
func runBaseline(ctx context.Context, addr string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // Less often than cmd/ingest, in favour of the baseline.
	}
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{lab.SigningKey}, Tolerance: 192 * time.Hour})
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST("/webhooks/customerio", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		if _, err := verifier.Verify(c.Request().Header, body, time.Now()); err != nil {
			return c.NoContent(http.StatusUnauthorized)
		}
		return c.JSONBlob(http.StatusOK, []byte(`{"status":"stored"}`))
	})
	srv, _, err := lab.Serve(addr, e)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return srv.Close()
}

// runBigQuery is a stand-in that counts rows without decoding them, because the
// worker is measured and not BigQuery. It prints the count when ctx ends.
func runBigQuery(ctx context.Context, grpcAddr, restAddr string) error {
	standin, err := lab.StartBigQuery(bigqueryfake.Config{Discard: true, GRPCAddr: grpcAddr, RESTAddr: restAddr})
	if err != nil {
		return err
	}
	defer standin.Close()
	<-ctx.Done()
	fmt.Println(standin.EventRows())
	return nil
}
