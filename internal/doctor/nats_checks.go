package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/stream"
)

// natsMajor and natsMinor are the oldest supported version of nats-server. Version 2.14
// stores 15 times fewer events a second with three replicas and sync_interval always.
const natsMajor, natsMinor = 2, 15

// NATSChecks checks the connection, the permissions of the user, the limits of the
// account and the servers.
func NATSChecks(b *Broker) []Check {
	return []Check{
		{"nats", "connection", b.connection},
		{"nats", "permissions", b.permissions},
		{"nats", "account", b.on(stream.AskAccount, account)},
		{"nats", "replicas", b.on(stream.AskReplicas, replicas)},
	}
}

func (b *Broker) connection(ctx context.Context) []Verdict {
	if err := b.wait(ctx); err != nil {
		_, cause, found := strings.Cut(err.Error(), "NATS is not connected: ")
		if !found {
			cause = err.Error()
		}
		return failed(fmt.Sprintf("no connection to %s: %s", b.cfg.Redacted(), cause), stream.ConnectRemedy(err))
	}
	a := b.access
	tls := "without TLS"
	if a.Encrypted {
		tls = "with TLS"
	}
	detail := fmt.Sprintf("%s, nats-server %s, %s", a.Server, a.Version, tls)
	switch {
	case isOld(a.Version):
		return failed(detail, fmt.Sprintf("upgrade nats-server to %d.%d or later", natsMajor, natsMinor))
	case a.User != "" && !a.Encrypted && !a.Local:
		return warned(detail+": the password is readable on the network", "give NATS a certificate, and write tls:// in NATS_URL")
	}
	return ok("%s", detail)
}

func isOld(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major < natsMajor || major == natsMajor && minor < natsMinor)
}

func (b *Broker) permissions(ctx context.Context) []Verdict {
	if b.wait(ctx) != nil {
		return skipped("NATS is not connected")
	}
	a := b.access
	user := "the user"
	if a.User != "" {
		user = "user " + a.User
	}
	if a.Role == "" {
		return failed(user+" gets no answers: refused are "+strings.Join(a.Missing, ", "), permissionRemedy)
	}
	if len(a.Missing) > 0 {
		return failed(fmt.Sprintf("%s, with the work of the %s, may not %s", user, a.Role, strings.Join(a.Missing, ", ")), permissionRemedy)
	}
	return ok("%s may do the work of the %s: %d tried", user, a.Role, a.Tried)
}

const permissionRemedy = "add the permission to the user, as in deploy/k8s/base/nats/accounts.conf, and reload NATS"

func account(ctx context.Context, conn *stream.Conn) []Verdict {
	detail, problems, err := conn.Account(ctx)
	if err != nil {
		return failed(err.Error(), "enable JetStream for the account; of a cluster, look whether most servers run: without them it has no leader")
	}
	return listed(detail, problems)
}

func replicas(ctx context.Context, conn *stream.Conn) []Verdict {
	detail, problems, err := conn.Replicas(ctx)
	if err != nil {
		return unasked(err)
	}
	return listed(detail, problems)
}

// listed returns a warning for each problem, or without a problem the detail.
func listed(detail string, problems []string) []Verdict {
	var list []Verdict
	for _, p := range problems {
		list = append(list, split(Warn, p))
	}
	return orWell(list, detail)
}

// split makes a verdict of a sentence that ends with the remedy.
func split(state State, sentence string) Verdict {
	detail, remedy, found := strings.Cut(sentence, "; ")
	if !found {
		if i := strings.LastIndex(sentence, ": "); i > 0 {
			detail, remedy = sentence[:i], sentence[i+2:]
		}
	}
	return Verdict{State: state, Detail: detail, Remedy: remedy}
}
