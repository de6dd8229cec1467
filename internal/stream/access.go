package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// An Access is what a server lets the user of a Config do.
type Access struct {
	// Server is the host and port of the server, and Version the version of nats-server.
	Server, Version string
	// User is the user in NATS_URL, "" with a credentials file or no user.
	User string
	// Encrypted says that the connection has TLS, and Local that the server is on this
	// machine.
	Encrypted, Local bool
	// Role is the program whose answers the user may receive: "operator", "worker" or
	// "ingest"; "" for none.
	Role string
	// Inbox is the InboxPrefix of the role's connections.
	Inbox string
	// Tried counts the permissions that the role needs, and Missing names the refused ones,
	// such as "publish customerio.events.>".
	Tried   int
	Missing []string

	needs []string // what the role publishes
}

// What a check asks NATS. Without the permission for a question NATS gives no answer.
var (
	AskAccount  = []string{"$JS.API.INFO"}
	AskTime     = []string{"$JS.API.STREAM.INFO." + Name}
	AskReplicas = append([]string{"$JS.API.STREAM.INFO." + DeadName, "$JS.API.STREAM.INFO." + stateStream, "$JS.API.STREAM.INFO." + erasedStream}, AskTime...)
	AskStatus   = append([]string{"$JS.API.CONSUMER.LIST." + Name, "$JS.API.STREAM.MSG.GET." + stateStream}, AskReplicas...)
	AskOldest   = append([]string{"$JS.API.STREAM.MSG.GET." + Name}, AskStatus...)
)

// Refuses says why the user gets no answer to one of the questions, "" if to all.
func (a *Access) Refuses(questions []string) string {
	for _, q := range questions {
		switch {
		case a.Role == "" || slices.Contains(a.Missing, "publish "+q):
			return "NATS does not answer the user: see the finding about permissions"
		case !slices.Contains(a.needs, q):
			return fmt.Sprintf("the %s's user may not ask: run cioctl doctor with an operator's user", a.Role)
		}
	}
	return ""
}

// accessTimeout bounds the wait for a connection and the tries.
const accessTimeout = 10 * time.Second

// TryAccess connects, and tries every permission that the program of the user needs. No
// try changes anything: the server checks the permission before it reads a request, and
// then refuses the request because of its body, name or header.
func TryAccess(ctx context.Context, cfg Config) (*Access, error) {
	ctx, cancel := context.WithTimeout(ctx, accessTimeout)
	defer cancel()
	// A connection of its own: later errors of this connection name what was tried here.
	c, err := Connect(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.WaitConnected(ctx); err != nil {
		return nil, err
	}
	a := c.access()
	for _, r := range roles {
		refused, err := c.refusesInbox(ctx, r.inbox)
		if err != nil {
			return nil, err
		}
		if !refused {
			a.Role, a.Inbox, a.Missing, a.needs = r.name, r.prefix(), nil, r.publish
			return a, c.tryAll(ctx, r, a)
		}
		a.Missing = append(a.Missing, "subscribe "+r.inbox+".>")
	}
	return a, nil
}

// access returns what is known without a try.
func (c *Conn) access() *Access {
	a := &Access{Server: c.nc.ConnectedAddr(), Version: c.nc.ConnectedServerVersion()}
	if u, err := parseServer(c.nc.ConnectedUrl()); err == nil {
		a.Server, a.User = u.Host, u.User.Username()
	}
	_, err := c.nc.TLSConnectionState()
	a.Encrypted = err == nil
	host, _, _ := net.SplitHostPort(a.Server) // without a port, host is "" and not local
	ip := net.ParseIP(host)
	a.Local = host == "localhost" || ip != nil && ip.IsLoopback()
	return a
}

// tryAll tries the subjects of a role.
func (c *Conn) tryAll(ctx context.Context, r role, a *Access) error {
	for _, pattern := range r.publish {
		a.Tried++
		refused, err := c.refusesPublish(ctx, pattern)
		if err != nil {
			return err
		}
		if refused {
			a.Missing = append(a.Missing, "publish "+pattern)
		}
	}
	return nil
}

// refusesPublish publishes a message that nobody stores or answers. JetStream refuses a
// request because the body is no JSON, and a stream refuses a message for another stream,
// both before anything else (jsStreamCreateRequest and processJetStreamMsg of
// nats-server 2.15).
func (c *Conn) refusesPublish(ctx context.Context, pattern string) (bool, error) {
	msg := nats.NewMsg(unusedSubject(pattern))
	msg.Data = []byte("cioctl doctor tries a permission")
	if !strings.HasPrefix(pattern, "$JS.") {
		msg.Header.Set(nats.ExpectedStreamHdr, "CIOCTL_DOCTOR")
	}
	if err := c.nc.PublishMsg(msg); err != nil {
		return false, fmt.Errorf("try to publish to %s: %w", pattern, err)
	}
	return c.violates(ctx, "Publish", msg.Subject)
}

// refusesInbox subscribes to answers that never come.
func (c *Conn) refusesInbox(ctx context.Context, inbox string) (bool, error) {
	subject := inbox + "." + rand.Text()
	sub, err := c.nc.SubscribeSync(subject)
	if err != nil {
		return false, fmt.Errorf("try to subscribe to %s: %w", inbox, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails after a refusal
	return c.violates(ctx, "Subscription", subject)
}

// violates reports whether the server has refused the last message or subscription. The
// server reports a refusal before it answers the flush.
func (c *Conn) violates(ctx context.Context, verb, subject string) (bool, error) {
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return false, fmt.Errorf("try permissions: %w", err)
	}
	err := c.nc.LastError()
	return errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), verb+` to "`+subject+`"`), nil
}

// unusedSubject returns a subject of a pattern, with a name that no consumer and no key
// has.
func unusedSubject(pattern string) string {
	name := "cioctl-doctor-" + rand.Text()
	if rest, isOpen := strings.CutSuffix(pattern, ">"); isOpen {
		return rest + name
	}
	return strings.ReplaceAll(pattern, "*", name)
}
