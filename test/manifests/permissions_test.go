package manifests_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

var inboxes = map[string]string{"ingest": app.InboxPrefix + "ingest", "worker": app.InboxPrefix + "worker", "operator": ""}

// connect connects as the programs do.
func (c *natsCluster) connect(t *testing.T, user string) *stream.Conn {
	t.Helper()
	conn, err := stream.Connect(stream.Config{URL: c.url(user), TLSCA: c.ca, InboxPrefix: inboxes[user], Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := conn.WaitConnected(ctx); err != nil {
		t.Fatalf("%s cannot connect: %v", user, err)
	}
	return conn
}

func publisher(t *testing.T, conn *stream.Conn) *stream.Publisher {
	t.Helper()
	p, err := stream.NewPublisher(conn, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func message(id string) *event.Message {
	return &event.Message{
		Workspace: "default", ID: id, ObjectType: "email", Metric: "spammed",
		ReceivedAt: time.Now(), Body: []byte(`{"event_id":"` + id + `"}`),
	}
}

// eventually tries until there is no error: a cluster elects its leaders first.
func eventually(t *testing.T, what string, try func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		once, stop := context.WithTimeout(ctx, 5*time.Second)
		err := try(once)
		stop()
		if err == nil {
			return
		}
		if last == nil || ctx.Err() == nil { // the end of ctx explains nothing
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, last)
		}
	}
}

// TestTheirUsersMayDoTheirWork runs the programs' own stream code with the users
// and the servers of each build: in production three of them, with TLS between
// all.
func TestTheirUsersMayDoTheirWork(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		c := startNATS(t, s)
		replicas := int(*s.nats().Spec.Replicas)
		worker := c.connect(t, "worker")
		eventually(t, "the worker creates the streams", func(ctx context.Context) error {
			_, err := worker.Ensure(ctx, stream.Settings{Replicas: replicas})
			return err
		})
		ingest := c.connect(t, "ingest")
		if err := ingest.Ready(t.Context()); err != nil {
			t.Errorf("ingest does not see the stream: %v", err)
		}
		if differences, err := ingest.Ensure(t.Context(), stream.Settings{Replicas: replicas}); err != nil || differences != nil {
			t.Errorf("ingest does not find the streams as they are: %v %v", differences, err)
		}
		publishAndDeadLetter(t, publisher(t, ingest))
		for name, subjects := range map[string][]string{
			workerapp.Suppression: stream.EventsOf("", effect.Policy{}.SuppressionMetrics()), workerapp.Engagement: stream.EventsOf("", effect.Policy{}.EngagementMetrics()),
			workerapp.Warehouse: {stream.AllEvents},
		} {
			work(t, worker, name, subjects)
		}
		restore(t, c, worker)
		share(t, worker)
		operator := c.connect(t, "operator")
		operate(t, operator)
		erase(t, operator, worker)
	})
}

// publishAndDeadLetter does what ingest does.
func publishAndDeadLetter(t *testing.T, p *stream.Publisher) {
	t.Helper()
	for _, id := range []string{"01A", "01C"} {
		eventually(t, "ingest publishes", func(ctx context.Context) error {
			_, err := p.Publish(ctx, message(id))
			return err
		})
	}
	if duplicate, err := p.Publish(t.Context(), message("01A")); err != nil || !duplicate {
		t.Errorf("the same event again: duplicate %t, %v", duplicate, err)
	}
	if err := p.StoreDeadLetter(t.Context(), &event.DeadLetter{Message: *message("01B"), From: "ingest", Reason: fault.ReasonNotJSON, DiedAt: time.Now()}); err != nil {
		t.Errorf("ingest keeps a dead letter: %v", err)
	}
}

// work does what the worker does with a consumer, to the end of a message.
func work(t *testing.T, conn *stream.Conn, name string, subjects []string) {
	t.Helper()
	if name == workerapp.Warehouse {
		linkStore(t, conn, name, subjects)
	}
	consumer := conn.NewDurable(stream.DurableConfig{
		Name: name, Subjects: subjects, KeepFloor: name != workerapp.Warehouse, CheckEvery: 100 * time.Millisecond,
		Prepare: func(ctx context.Context) error {
			return conn.PrepareState(ctx, stream.Settings{}, nil, func(string) bool { return true })
		},
	})
	run(t, func(ctx context.Context) error {
		consumer.Run(ctx)
		return nil
	})
	eventually(t, "the worker opens "+name, func(context.Context) error { return consumer.Ready() })
	if name == workerapp.Engagement {
		return // it has no part in a complaint
	}
	var attempts []event.Attempt
	eventually(t, "the worker fetches from "+name, func(ctx context.Context) error {
		more, err := consumer.Fetch(ctx, event.Limits{Messages: 10, Linger: 10 * time.Millisecond})
		if attempts = append(attempts, more...); err == nil && len(attempts) < 2 {
			err = fmt.Errorf("%d messages there", len(attempts))
		}
		return err
	})
	watch(t, conn, name)
	a := attempts[0]
	d := &event.DeadLetter{Message: a.Message, From: name, Reason: fault.ReasonRejected, Attempts: 1, DiedAt: time.Now()}
	if err := publisher(t, conn).StoreDeadLetter(t.Context(), d); err != nil {
		t.Errorf("%s keeps a dead letter: %v", name, err)
	}
	for _, err := range []error{a.Settle.Extend(), a.Settle.AckSync(), attempts[1].Settle.AckSync()} {
		if err != nil {
			t.Errorf("%s settles a message: %v", name, err)
		}
	}
}

// restore has an operator move a consumer, which the worker moves back.
func restore(t *testing.T, c *natsCluster, worker *stream.Conn) {
	t.Helper()
	var floor uint64
	eventually(t, "the worker stores its position", func(ctx context.Context) (err error) {
		if floor, err = worker.Floor(ctx, workerapp.Suppression); err == nil && floor < 2 {
			err = fmt.Errorf("position %d", floor)
		}
		return err
	})
	js := c.operator(t)
	// Not to the first message: with nothing delivered, nats-server 2.15 reads the state
	// from its disk, and takes an old state when the new one is not written yet. Then the
	// consumer stays where it was, with a wrong count of pending messages until the next
	// request for messages.
	if _, err := js.ResetConsumerToSequence(t.Context(), stream.Name, workerapp.Suppression, 2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker moves its consumer back", func(ctx context.Context) error {
		cons, err := js.Consumer(ctx, stream.Name, workerapp.Suppression)
		if err == nil && cons.CachedInfo().AckFloor.Stream < floor {
			err = fmt.Errorf("position %d, want %d", cons.CachedInfo().AckFloor.Stream, floor)
		}
		return err
	})
}

// share does what workers do to count together.
func share(t *testing.T, worker *stream.Conn) {
	t.Helper()
	ctx, state := t.Context(), worker.State()
	for _, err := range []error{
		state.Put(ctx, "test.a", []byte("1")),
		state.Change(ctx, "test.a", func([]byte) ([]byte, error) { return []byte("2"), nil }),
		state.Delete(ctx, "test.a"),
	} {
		if err != nil {
			t.Errorf("the worker uses the bucket: %v", err)
		}
	}
	if _, err := state.Create(ctx, "test.b", nil, time.Minute); err != nil {
		t.Errorf("the worker uses the bucket: %v", err)
	}
	if keys, err := state.Keys(ctx, "test."); err != nil || !slices.Equal(keys, []string{"test.b"}) {
		t.Errorf("keys %v, %v", keys, err)
	}
}

// linkStore does what the worker does with the store of a warehouse.
func linkStore(t *testing.T, conn *stream.Conn, name string, subjects []string) {
	t.Helper()
	eventually(t, "the worker creates "+name+" with its store", func(ctx context.Context) error {
		return conn.CreateLinked(ctx, stream.DurableConfig{Name: name, Subjects: subjects}, stream.Store{ID: "1", Place: "here"})
	})
	eventually(t, "the worker links another store", func(ctx context.Context) error {
		if err := conn.SetStore(ctx, name, stream.Store{ID: "2", Place: "there"}); err != nil {
			return err
		}
		link, err := conn.StoreLink(ctx, name)
		if err == nil && link.Store.ID != "2" {
			err = fmt.Errorf("the consumer has the store %+v", link.Store)
		}
		return err
	})
}

// watch does what the worker does for its instruments.
func watch(t *testing.T, conn *stream.Conn, consumer string) {
	t.Helper()
	w := conn.NewWatch(stream.WatchConfig{Consumers: []string{consumer}})
	run(t, func(ctx context.Context) error {
		w.Run(ctx)
		return nil
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(w)
	eventually(t, "the age of the oldest message of "+consumer, func(context.Context) error {
		families, err := reg.Gather()
		if !slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "cioevents_oldest_unacked_seconds" }) {
			err = errors.Join(err, fmt.Errorf("not among %d instruments", len(families)))
		}
		return err
	})
}

// operate does what cioctl does.
func operate(t *testing.T, conn *stream.Conn) {
	t.Helper()
	eventually(t, "the operator asks for the state, with every message settled", func(ctx context.Context) error {
		status, err := conn.Status(ctx)
		if err != nil {
			return err
		}
		if len(status.Consumers) != 3 || len(status.Dead) != 3 {
			t.Errorf("status: %+v", status)
		}
		for _, consumer := range status.Consumers {
			if consumer.Lag != 0 {
				return fmt.Errorf("%s has a lag of %d", consumer.Name, consumer.Lag)
			}
		}
		return nil
	})
	if _, err := publisher(t, conn).Redrive(t.Context(), workerapp.Suppression, "1", message("01A")); err != nil {
		t.Errorf("the operator redrives: %v", err)
	}
	dropDeadLetters(t, conn)
}

// erase has the operator change the list of erased persons, which the worker reads.
func erase(t *testing.T, operator, worker *stream.Conn) {
	t.Helper()
	ctx := t.Context()
	if err := operator.AddErased(ctx, []privacy.Erasure{{Mark: "a:1"}, {Mark: "a:2"}}); err != nil {
		t.Errorf("the operator adds marks: %v", err)
	}
	if err := operator.RemoveErased(ctx, []string{"a:1"}); err != nil {
		t.Errorf("the operator removes a mark: %v", err)
	}
	// The list may come from a server that has not got the removal yet.
	eventually(t, "the operator lists what is left", func(ctx context.Context) error {
		list, err := operator.ListErased(ctx)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("%v", list)
		}
		return err
	})
	jo := privacy.Person{Workspace: "default", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "jo-42"}}}
	m := message("01E")
	m.Metric, m.Body = "converted", []byte(`{"event_id":"01E","metric":"converted","data":{"identifiers":{"id":"jo-42"}}}`)
	if _, err := publisher(t, operator).Publish(ctx, m); err != nil {
		t.Errorf("the operator publishes: %v", err)
	}
	erased, err := operator.EventStore().Erase(ctx, []privacy.Person{jo}, privacy.EraseOptions{})
	if err != nil || erased.Events != 0 || !strings.Contains(erased.Note, "Consumer warehouse has not settled") {
		t.Errorf("the operator erases an unsettled message: %+v, %v", erased, err)
	}
	if marks, err := worker.ReadMarks(ctx, nil); err != nil || !slices.Equal(marks.List, []string{"a:2"}) {
		t.Errorf("the worker reads %+v, %v", marks, err)
	}
}

// dropDeadLetters deletes every dead letter, as only the operator may.
func dropDeadLetters(t *testing.T, conn *stream.Conn) {
	t.Helper()
	var letters [][]uint64
	err := conn.ListDeadLetters(t.Context(), stream.DeadSelection{}, func(d *event.StoredDeadLetter) bool {
		letters = append(letters, d.Entries)
		return true
	})
	if err != nil || len(letters) != 3 {
		t.Errorf("the operator lists %d dead letters, %v; want 3", len(letters), err)
	}
	for _, entries := range letters {
		if err := conn.DeleteDeadLetter(t.Context(), entries); err != nil {
			t.Errorf("the operator deletes a dead letter: %v", err)
		}
	}
}

// TestTheWorkerRecreatesTheStreams: ingest may not, and says that the stream is
// missing.
func TestTheWorkerRecreatesTheStreams(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		c := startNATS(t, s)
		settings := stream.Settings{Replicas: int(*s.nats().Spec.Replicas)}
		worker, ingest, operator, js := c.connect(t, "worker"), c.connect(t, "ingest"), c.connect(t, "operator"), c.operator(t)
		eventually(t, "the worker creates the streams", func(ctx context.Context) error {
			_, err := worker.Ensure(ctx, settings)
			return err
		})
		keep := func(conn *stream.Conn) {
			run(t, func(ctx context.Context) error {
				conn.KeepStreams(ctx, settings)
				return nil
			})
		}
		remove := func(name string) {
			if err := js.DeleteStream(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		keep(ingest)
		remove(stream.DeadName)
		eventually(t, "ingest names the missing stream", func(context.Context) error {
			if len(ingest.Notes()) == 0 {
				return errors.New("no note")
			}
			return nil
		})
		if s, err := operator.Status(t.Context()); err != nil || s.Dead != nil {
			t.Errorf("ingest has created the stream: %+v, %v", s, err)
		}
		keep(worker)
		back := func(ctx context.Context) error {
			if s, err := operator.Status(ctx); err != nil || s.Dead == nil {
				return errors.Join(errors.New("missing"), err)
			}
			return nil
		}
		eventually(t, "the worker recreates the stream of dead letters", back)
		remove(stream.Name)
		removed := time.Now()
		eventually(t, "the worker recreates the stream of events", back)
		if took := time.Since(removed); took > 20*time.Second { // 5 s on a quiet machine
			t.Errorf("the stream of events is back after %s", took)
		}
	})
}

// TestTheirUsersMayDoNoMore tries what an intruder with a password would.
func TestTheirUsersMayDoNoMore(t *testing.T) {
	t.Parallel()
	c := startNATS(t, load(t, "dev"))
	if _, err := c.connect(t, "worker").Ensure(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	both := []string{
		"customerio.redrive.warehouse.default.email.spammed", "customerio.backfill.default.email.spammed", "other",
		"$JS.API.STREAM.DELETE.CUSTOMERIO", "$JS.API.STREAM.PURGE.CUSTOMERIO", "$JS.API.STREAM.UPDATE.CUSTOMERIO",
		"$JS.API.STREAM.MSG.DELETE.CUSTOMERIO", "$JS.API.STREAM.MSG.DELETE.CUSTOMERIO_DEAD", "$JS.API.STREAM.DELETE.CUSTOMERIO_DEAD",
		"$JS.API.STREAM.PURGE.CUSTOMERIO_DEAD", "$JS.API.STREAM.UPDATE.CUSTOMERIO_DEAD", "$JS.API.STREAM.MSG.GET.CUSTOMERIO_DEAD", "$JS.API.DIRECT.GET.CUSTOMERIO",
		"$JS.API.STREAM.DELETE.KV_CIOEVENTS_STATE", "$JS.API.STREAM.PURGE.KV_CIOEVENTS_STATE", "$JS.API.STREAM.UPDATE.KV_CIOEVENTS_STATE",
		"$JS.API.CONSUMER.CREATE.KV_CIOEVENTS_STATE.x", "$KV.OTHER.x",
		"$KV.CIOEVENTS_ERASED.a.1", "$JS.API.STREAM.CREATE.KV_CIOEVENTS_ERASED", "$JS.API.STREAM.DELETE.KV_CIOEVENTS_ERASED", "$JS.API.STREAM.PURGE.KV_CIOEVENTS_ERASED",
		"$JS.API.STREAM.UPDATE.KV_CIOEVENTS_ERASED", "$JS.API.STREAM.MSG.DELETE.KV_CIOEVENTS_ERASED", "$JS.API.CONSUMER.CREATE.KV_CIOEVENTS_ERASED.x",
		"$JS.API.STREAM.CREATE.OTHER", "$JS.API.STREAM.LIST", "$JS.API.CONSUMER.DELETE.CUSTOMERIO_DEAD.x",
		"$JS.API.STREAM.SNAPSHOT.CUSTOMERIO", "$JS.API.CONSUMER.CREATE.CUSTOMERIO_DEAD.x",
		"_INBOX_ingest.x", "_INBOX_worker.x", "$SYS.REQ.SERVER.PING",
	}
	forbidden := map[string][]string{
		"ingest": append([]string{
			"$KV.CIOEVENTS_STATE.floor.suppression", "$JS.API.STREAM.MSG.GET.KV_CIOEVENTS_STATE", "$JS.API.CONSUMER.RESET.CUSTOMERIO.suppression",
			"customerio.dead.warehouse.rejected", "$JS.API.STREAM.CREATE.CUSTOMERIO", "$JS.API.STREAM.CREATE.CUSTOMERIO_DEAD", "$JS.API.CONSUMER.CREATE.CUSTOMERIO.x",
			"$JS.API.CONSUMER.MSG.NEXT.CUSTOMERIO.suppression", "$JS.API.CONSUMER.LIST.CUSTOMERIO", "$JS.API.STREAM.MSG.GET.CUSTOMERIO", "$JS.ACK.CUSTOMERIO.suppression.1.1.1.1.1",
		}, both...),
		"worker": append([]string{"customerio.events.default.email.spammed"}, both...),
	}
	unread := map[string][]string{
		"ingest": {">", "customerio.>", "customerio.events.>", "_INBOX.>", "_INBOX_worker.>", "$JS.>", "*"},
		"worker": {">", "customerio.>", "_INBOX.>", "_INBOX_ingest.>", "$JS.ACK.>"},
	}
	for user := range forbidden {
		for _, subject := range forbidden[user] {
			if !c.denied(t, user, func(nc *nats.Conn) error { return nc.Publish(subject, nil) }) {
				t.Errorf("%s may publish to %s", user, subject)
			}
		}
		for _, subject := range unread[user] {
			if !c.denied(t, user, func(nc *nats.Conn) error {
				_, err := nc.SubscribeSync(subject)
				return err
			}) {
				t.Errorf("%s may subscribe to %s", user, subject)
			}
		}
		if c.denied(t, user, func(nc *nats.Conn) error { return nc.Publish("$JS.API.STREAM.INFO.CUSTOMERIO", nil) }) {
			t.Errorf("%s may not do what it is allowed: the test proves nothing", user)
		}
	}
}

// denied reports whether the server refuses what do does.
func (c *natsCluster) denied(t *testing.T, user string, do func(*nats.Conn) error) bool {
	t.Helper()
	nc, err := nats.Connect(c.url(user), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := do(nc); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil { // the refusal comes before its answer
		t.Fatal(err)
	}
	return errors.Is(nc.LastError(), nats.ErrPermissionViolation)
}

// TestTheWorkerChangesNoStream: it may create one, and an existing one stays as
// it is.
func TestTheWorkerChangesNoStream(t *testing.T) {
	t.Parallel()
	c := startNATS(t, load(t, "dev"))
	worker := c.connect(t, "worker")
	if _, err := worker.Ensure(t.Context(), stream.Settings{MaxAge: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(c.url("worker"), nats.CustomInboxPrefix(app.InboxPrefix+"worker"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	request, err := json.Marshal(jetstream.StreamConfig{Name: stream.Name, Subjects: []string{"other"}, MaxAge: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := nc.Request("$JS.API.STREAM.CREATE."+stream.Name, request, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var refusal struct{ Error *jetstream.APIError }
	if err := json.Unmarshal(answer.Data, &refusal); err != nil || refusal.Error == nil || refusal.Error.ErrorCode != jetstream.JSErrCodeStreamNameInUse {
		t.Errorf("a stream of the same name: %s", answer.Data)
	}
	if differences, err := worker.Ensure(t.Context(), stream.Settings{MaxAge: 48 * time.Hour}); err != nil || differences != nil {
		t.Errorf("the stream has changed: %v %v", differences, err)
	}
}

func TestNobodyConnectsWithoutThePassword(t *testing.T) {
	t.Parallel()
	c := startNATS(t, load(t, "dev"))
	address := "nats://" + c.servers[0].Addr().String()
	for _, opts := range [][]nats.Option{{}, {nats.UserInfo("ingest", "wrong")}, {nats.UserInfo("ingest", "")}, {nats.UserInfo("ingest", "$NATS_INGEST_PASSWORD")}} {
		if nc, err := nats.Connect(address, opts...); err == nil {
			nc.Close()
			t.Error("somebody connects without the password")
		}
	}
}
