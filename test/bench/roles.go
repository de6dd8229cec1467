package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// runNATS is a NATS server with its files in dir, as an operator would run it on
// one machine.
func runNATS(ctx context.Context, dir string) error {
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
		MaxPayload: 9 << 20,
	})
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		return errors.New("the NATS server does not get ready")
	}
	fmt.Println(srv.ClientURL())
	<-ctx.Done()
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil
}

// runBaseline is the receiver that the web teaches: Echo, verify, answer. It
// loses what it is told, and is as fast as a receiver in Go gets.
func runBaseline(ctx context.Context, key string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // less often than cmd/ingest, in its own favour
	}
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{key}, Tolerance: 192 * time.Hour})
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
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	srv := &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	_ = srv.Serve(ln)
	return nil
}
