package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ServerTime returns the clock of the server that leads the stream, at the moment of its
// answer.
func (c *Conn) ServerTime(ctx context.Context) (time.Time, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return time.Time{}, err
	}
	return st.CachedInfo().TimeStamp, nil
}

// ConnectRemedy says what to do about an error of TryAccess or WaitConnected.
func ConnectRemedy(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), strings.Contains(text, "authentication"):
		return "NATS refuses the user: check the user and password in NATS_URL, or the file NATS_CREDS"
	case strings.Contains(text, "tls:"), strings.Contains(text, "x509:"), errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return "check NATS_TLS_CA, NATS_TLS_CERT and NATS_TLS_KEY, and that NATS_URL begins with tls:// if the server wants TLS"
	default:
		return "check that NATS runs, that NATS_URL is right, and that this machine may reach it"
	}
}

// Account describes the use of the account's limits in JetStream, and the problems with
// it. Of a cluster only the leader of all servers answers, so an answer also proves that
// the cluster has one.
func (c *Conn) Account(ctx context.Context) (detail string, problems []string, err error) {
	info, err := c.js.AccountInfo(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("ask JetStream for the account: %w", err)
	}
	detail = fmt.Sprintf("%s stored, %d streams, %d consumers", storedText(info.Store), info.Streams, info.Consumers)
	tiers := map[string]jetstream.Tier{"": info.Tier}
	for name, tier := range info.Tiers {
		tiers[" "+name] = tier
	}
	for _, name := range slices.Sorted(maps.Keys(tiers)) {
		problems = append(problems, tierProblems(name, tiers[name])...)
	}
	return detail, problems, nil
}

// tierProblems names the limits of an account that are almost reached. Without a limit
// NATS says -1, or 0 in an account with tiers.
func tierProblems(name string, tier jetstream.Tier) (problems []string) {
	if limit := tier.Limits.MaxStore; limit > 0 && tier.Store*100 >= uint64(limit)*warnShare {
		problems = append(problems, fmt.Sprintf("the NATS account%s stores %s of %s: NATS soon refuses every event; raise max_file of the account",
			name, storedText(tier.Store), storedText(uint64(limit))))
	}
	if limit := tier.Limits.MaxConsumers; limit > 0 && tier.Consumers >= limit {
		problems = append(problems, fmt.Sprintf("the NATS account%s has %d of %d consumers: NATS refuses replays; raise max_consumers of the account", name, tier.Consumers, limit))
	}
	return problems
}

// Replicas describes the replicas of the streams and of the buckets, and the problems with
// them. A missing stream has none.
func (c *Conn) Replicas(ctx context.Context) (detail string, problems []string, err error) {
	var counts []string
	for _, name := range []string{Name, DeadName, stateStream, erasedStream} {
		info, err := c.running(ctx, name)
		if err != nil {
			return "", nil, err
		}
		if info == nil {
			continue
		}
		counts = append(counts, fmt.Sprintf("%s %d", name, info.Config.Replicas))
		problems = append(problems, replicaProblems(info, c.nc.ConnectedClusterName() != "")...)
	}
	return strings.Join(counts, ", "), problems, nil
}

func replicaProblems(info *jetstream.StreamInfo, clustered bool) (problems []string) {
	stream := "stream " + info.Config.Name
	if info.Config.Replicas == 1 && clustered {
		return []string{stream + " has 1 replica: a lost server loses events; set STREAM_REPLICAS=3, then run cioctl stream apply with all settings"}
	}
	if info.Cluster == nil || info.Config.Replicas == 1 {
		return nil
	}
	if info.Cluster.Leader == "" {
		problems = append(problems, stream+" has no leader: NATS refuses every event; look at the log of the NATS servers")
	}
	for _, r := range info.Cluster.Replicas {
		switch {
		case r.Offline:
			problems = append(problems, fmt.Sprintf("%s: server %s is offline; start the server, or look at its log", stream, r.Name))
		case !r.Current:
			problems = append(problems, fmt.Sprintf("%s: server %s is %d changes behind; wait until it has caught up before you stop another server", stream, r.Name, r.Lag))
		}
	}
	return problems
}
