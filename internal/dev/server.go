package dev

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
)

// maxPayload admits the largest accepted body, 8 MiB, with its headers.
const maxPayload = 9 << 20

// startNATS starts a NATS server in this process with its files under dir. The server
// listens on the host and the port of rawURL.
func startNATS(rawURL, dir string, log zerolog.Logger) (*natsserver.Server, error) {
	host, port, err := splitURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("NATS_URL: %w", err)
	}
	return natsserver.Start(&natsserver.Options{
		ServerName: "cioevents-dev",
		Host:       host, Port: port,
		JetStream: true, StoreDir: dir,
		// A power failure loses at most the last tenth of a second. The interval
		// has no measurable cost.
		SyncInterval: 100 * time.Millisecond,
		MaxPayload:   maxPayload,
		NoSigs:       true,
		// Every acknowledgement has a subject of its own, so a cache only costs time.
		NoSublistCache: true,
	}, natsLog{log})
}

// splitURL reads the address to listen on and checks that the address is free,
// because the server would end the process for a used address.
func splitURL(rawURL string) (host string, port int, err error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return "", 0, fmt.Errorf("%q is not of the form nats://HOST:PORT", config.Redact(rawURL))
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "4222")
	}
	ln, err := net.Listen("tcp", addr) //nolint:noctx // binding does not wait
	if err != nil {
		return "", 0, err
	}
	defer ln.Close()
	at, err := netip.ParseAddrPort(ln.Addr().String())
	return at.Addr().String(), int(at.Port()), err
}

// lockData keeps a second process out of the data folder, because two servers would
// destroy each other's files.
func lockData(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("data folder %s is in use by another cioctl dev; stop the other process, or choose another folder with --data", dir)
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// natsLog passes the server's log on. Notices are for debugging only: a newcomer who
// tries the pipeline does not need them.
type natsLog struct{ log zerolog.Logger }

func (l natsLog) Noticef(format string, v ...any) { l.log.Debug().Msgf("nats: "+format, v...) }
func (l natsLog) Warnf(format string, v ...any)   { l.log.Debug().Msgf("nats: "+format, v...) }
func (l natsLog) Fatalf(format string, v ...any)  { l.log.Error().Msgf("nats: "+format, v...) }
func (l natsLog) Errorf(format string, v ...any)  { l.log.Error().Msgf("nats: "+format, v...) }
func (l natsLog) Debugf(format string, v ...any)  { l.log.Trace().Msgf("nats: "+format, v...) }
func (l natsLog) Tracef(format string, v ...any)  { l.log.Trace().Msgf("nats: "+format, v...) }
