package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/test/lab"
)

// The size of TestErasedPerson. In full: go test ./test/integration -run TestErasedPerson
// -timeout 60m -persons 1000 -person-events 300 -raft-logs. With -raft-logs it also waits
// until the Raft logs are clean, as the receipt promises: some 3 minutes.
var (
	persons      = flag.Int("persons", 8, "persons of TestErasedPerson")
	personEvents = flag.Int("person-events", 8, "events of each person of TestErasedPerson")
	raftLogs     = flag.Bool("raft-logs", false, "wait until the Raft logs of TestErasedPerson are clean")
)

// personBodies are the events of a person NAME. One writes the address with an escape, and
// one in upper case.
var personBodies = []string{
	`{"event_id":"%s","object_type":"email","metric":"sent","timestamp":%d,"data":{"identifiers":{"id":"id-NAME","email":"NAME@mail.example","cio_id":"cio-NAME"},"delivery_id":"%s","recipient":"NAME@mail.example","subject":"Dear NAME","content":"Hello NAME","campaign_id":7,"action_id":8}}`,
	`{"event_id":"%s","object_type":"email","metric":"delivered","timestamp":%d,"data":{"identifiers":{"email":"NAME\u0040mail.example"},"delivery_id":"%s","recipient":"NAME\u0040mail.example","campaign_id":7,"action_id":8}}`,
	`{"event_id":"%s","object_type":"email","metric":"opened","timestamp":%d,"data":{"identifiers":{"cio_id":"cio-NAME"},"delivery_id":"%s","recipient":"UPPER@MAIL.EXAMPLE","campaign_id":7,"action_id":8}}`,
	`{"event_id":"%s","object_type":"email","metric":"clicked","timestamp":%d,"data":{"customer_id":"id-NAME","delivery_id":"%s","recipient":"NAME@mail.example","href":"https://shop.example/?who=NAME","campaign_id":7,"action_id":8}}`,
}

func personName(person int) string { return fmt.Sprintf("secret%04dx", person) }

// personMessage returns an event of a person.
func personMessage(person, n int) *event.Message {
	name := personName(person)
	text := strings.NewReplacer("NAME", name, "UPPER", strings.ToUpper(name)).Replace(personBodies[n%len(personBodies)])
	at := time.Now().Add(-time.Duration(n+person) * time.Minute)
	id := fmt.Sprintf("e%d-%d", person, n)
	m := &event.Message{Workspace: "default", ReceivedAt: at, Body: fmt.Appendf(nil, text, id, at.Unix(), fmt.Sprintf("d%d-%d", person, n/len(personBodies)))}
	if err := m.Index(); err != nil {
		panic(err) // a fault of this file
	}
	return m
}

// A personBed has the programs of the product with three warehouses, on one NATS server or on
// three.
type personBed struct {
	*testing.T
	client  *lab.Client
	pub     *stream.Publisher
	dirs    []string // of the NATS servers
	duckdb  string   // the file
	parquet string   // the folder
	bq      *lab.BigQuery
	worker  *lab.Process
	env     lab.Env // of cioctl
	bin     string
}

func newPersonBed(t *testing.T, replicas int) *personBed {
	t.Helper()
	b := &personBed{T: t, bin: buildPrograms(t), duckdb: filepath.Join(t.TempDir(), "events.duckdb"), parquet: filepath.Join(t.TempDir(), "events")}
	url := b.startNATS(replicas)
	var err error
	if b.client, err = lab.Connect(t.Context(), url, stream.Settings{Replicas: replicas}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	if b.pub, err = stream.NewPublisher(b.client.Conn, 0); err != nil {
		t.Fatal(err)
	}
	api, err := lab.StartTrackAPI(customeriotest.Config{KnowsEverybody: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Refuse)
	b.bq = &lab.BigQuery{Server: bigquerytest.Start(t, bigqueryfake.Config{})}
	b.env = lab.Env{"NATS_URL": url, "PRIVACY_KEY": strings.Repeat("k", 32)}.With(lab.WarehouseEnv("duckdb:"+b.duckdb, "parquet:"+b.parquet, b.bq.URL()))
	b.worker = lab.Programs{Bin: b.bin, NATSURL: url, Env: b.env.With(lab.Env{"LOG_LEVEL": "warn", "STREAM_REPLICAS": fmt.Sprint(replicas), "TRACK_RATE": "10000"})}.Worker(lab.TrackEnv(api.URL()))
	t.Cleanup(b.worker.Kill)
	if err := b.worker.StartReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// startNATS starts servers inside the test, and returns the URL of the first.
func (b *personBed) startNATS(n int) string {
	b.Helper()
	var routes []string
	ports := make([]int, n)
	for i := range n {
		ports[i] = lab.FreePort()
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	var url string
	for i := range n {
		srv := streamtest.Start(b, func(o *server.Options) {
			b.dirs = append(b.dirs, o.StoreDir)
			if o.ServerName = fmt.Sprint("n", i); n > 1 {
				o.Cluster = server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]}
				o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
			}
		})
		if i == 0 {
			url = srv.URL()
		}
	}
	return url
}

// fill publishes the events of all persons, and a dead letter for each of two persons.
func (b *personBed) fill() {
	b.Helper()
	total := *persons * *personEvents
	err := b.client.Publish(b.Context(), total, 0, func(i int) *nats.Msg { return stream.NewMessage(personMessage(i%*persons, i / *persons)) })
	if err != nil {
		b.Fatal(err)
	}
	for _, person := range []int{3, 4} {
		d := event.DeadLetter{Message: *personMessage(person, 0), From: "warehouse", Reason: fault.ReasonRejectedRow, Err: "row of " + personName(person), StoredAt: time.Now(), DiedAt: time.Now()}
		if err := b.pub.StoreDeadLetter(b.Context(), &d); err != nil {
			b.Fatal(err)
		}
	}
	b.drained()
}

func (b *personBed) drained() {
	b.Helper()
	if err := lab.WaitFor(b.Context(), "every consumer has handled every message", 20*time.Minute, func() error { return b.client.Drained(b.Context(), 5) }); err != nil {
		b.Fatal(err)
	}
}

// cioctl runs the program. It returns both outputs and the exit code.
func (b *personBed) cioctl(args ...string) (stdout, stderr string, code int) {
	b.Helper()
	cmd := b.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		b.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (b *personBed) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.Context(), filepath.Join(b.bin, "cioctl"), args...)
	cmd.Env = os.Environ()
	for name, value := range b.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// ok runs a command that must succeed.
func (b *personBed) ok(args ...string) string {
	b.Helper()
	out, errs, code := b.cioctl(args...)
	if code != 0 {
		b.Fatalf("cioctl %v: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// hits counts a person's name in the bytes of files, in lower case and in upper case.
func hits(t *testing.T, person int, roots ...string) (n int) {
	t.Helper()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				if errors.Is(err, fs.ErrNotExist) { // a file of the server that has just been replaced
					return nil
				}
				return err
			}
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			name := personName(person)
			n += bytes.Count(data, []byte(name)) + bytes.Count(data, []byte(strings.ToUpper(name)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// streamFiles and raftFiles are folders of all servers.
func (b *personBed) streamFiles() (list []string) {
	for _, dir := range b.dirs {
		list = append(list, filepath.Join(dir, "jetstream", "$G", "streams"))
	}
	return list
}

func (b *personBed) raftFiles() (list []string) {
	for _, dir := range b.dirs {
		if root := filepath.Join(dir, "jetstream", "$SYS", "_js_"); len(b.dirs) > 1 {
			list = append(list, root)
		}
	}
	return list
}

// duckDBFiles returns the file, its WAL and whatever an erasure leaves beside.
func (b *personBed) duckDBFiles() string { return filepath.Dir(b.duckdb) }

// columnsWith counts the rows of a warehouse with a person's name in any column.
func (b *personBed) columnsWith(url string, person int) int64 {
	b.Helper()
	rows := b.rows(url, fmt.Sprintf("SELECT count(*) FROM customerio_events e WHERE contains(lower(CAST(e AS VARCHAR)), '%s')", personName(person)))
	n, ok := rows[0][0].(int64)
	if !ok {
		b.Fatalf("count is %v", rows)
	}
	return n
}

// bigQueryRows counts the rows of the fake BigQuery with a person's name in any column.
func (b *personBed) bigQueryRows(person int) (n int) {
	for _, row := range b.rawRows() {
		if strings.Contains(strings.ToLower(fmt.Sprint(row)), personName(person)) {
			n++
		}
	}
	return n
}

// rawRows returns the rows of the fake BigQuery.
func (b *personBed) rawRows() []map[string]any {
	rows, _ := b.bq.Snapshot(lab.BigQueryProject, warehouse.DefaultSchema, bigquery.Raw)
	return rows
}

func (b *personBed) rows(url, statement string) [][]any {
	b.Helper()
	return rowsOf(b.T, url, statement)
}

// rowsOf returns the rows of a query in a warehouse.
func rowsOf(t *testing.T, url, statement string) [][]any {
	t.Helper()
	p, err := place.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	table, err := warehouse.ReadTable(t.Context(), r, statement)
	if err != nil {
		t.Fatal(err)
	}
	return table.Rows
}

func (b *personBed) urls() []string { return []string{"duckdb:" + b.duckdb, "parquet:" + b.parquet} }

// funnel returns the funnel of both warehouses, and their numbers of events.
func (b *personBed) funnel() (all []string) {
	b.Helper()
	for _, url := range b.urls() {
		for _, q := range []string{"SELECT * FROM customerio_messages ORDER BY ALL", "SELECT * FROM customerio_daily ORDER BY ALL", "SELECT sum(clicked_deliveries) FROM customerio_links", "SELECT count(*), count(DISTINCT delivery_id) FROM customerio_events"} {
			all = append(all, fmt.Sprint(b.rows(url, q)))
		}
	}
	return all
}

// erase erases a person, and returns the receipt.
func (b *personBed) erase(person, code int) *people.Receipt {
	b.Helper()
	out, errs, got := b.cioctl("person", "erase", "--email", personName(person)+"@mail.example", "--yes", "--grace", "0s", "--output", "json")
	r := &people.Receipt{}
	if err := json.Unmarshal([]byte(out), r); err != nil || got != code {
		b.Fatalf("erase: exit code %d, want %d, %v\n%s%s", got, code, err, out, errs)
	}
	if strings.Contains(out+errs, personName(person)) {
		b.Errorf("an identifier is in the output:\n%s%s", out, errs)
	}
	return r
}

// clean checks that nothing of a person is left.
func (b *personBed) clean(person int) {
	b.Helper()
	if n := hits(b.T, person, b.streamFiles()...); n != 0 {
		b.Errorf("the files of the streams have the person %d times", n)
	}
	b.cleanWarehouses(person)
}

func (b *personBed) cleanWarehouses(person int) {
	b.Helper()
	if n := hits(b.T, person, b.duckDBFiles()); n != 0 {
		b.Errorf("the DuckDB file and its WAL have the person %d times", n)
	}
	for _, url := range b.urls() {
		if n := b.columnsWith(url, person); n != 0 {
			b.Errorf("%d rows of %s have the person", n, url)
		}
	}
	if n := b.bigQueryRows(person); n != 0 {
		b.Errorf("%d rows of BigQuery have the person", n)
	}
}

// present is the positive control: each search hits before an erasure.
func (b *personBed) present(person int) {
	b.Helper()
	found := map[string]int{
		"streams": hits(b.T, person, b.streamFiles()...), "DuckDB": hits(b.T, person, b.duckDBFiles()),
		"DuckDB rows": int(b.columnsWith(b.urls()[0], person)), "Parquet rows": int(b.columnsWith(b.urls()[1], person)),
		"BigQuery rows": b.bigQueryRows(person),
	}
	if len(b.dirs) > 1 {
		found["Raft"] = hits(b.T, person, b.raftFiles()...)
	}
	b.Logf("person %d before: %v", person, found)
	for name, n := range found {
		if n == 0 {
			b.Errorf("nothing of person %d in %s before: the search shows nothing", person, name)
		}
	}
}

// others returns a count and a digest of all that each store has about everybody else, with
// every byte of a message and every column of a row.
func (b *personBed) others(erased ...int) map[string]string {
	b.Helper()
	all := map[string]string{}
	isOther := func(id string) bool {
		return !slices.ContainsFunc(erased, func(person int) bool { return strings.HasPrefix(id, fmt.Sprintf("e%d-", person)) })
	}
	where := "true"
	for _, person := range erased {
		where += fmt.Sprintf(" AND NOT starts_with(event_id, 'e%d-')", person)
	}
	for _, url := range b.urls() {
		all[url] = fmt.Sprint(b.rows(url, "SELECT count(*), CAST(sum(hash(CAST(e AS VARCHAR))) AS VARCHAR) FROM customerio_events e WHERE "+where))
	}
	var messages, letters, rows tally
	err := b.client.TailEvents(b.Context(), stream.Selection{}, func(a event.Attempt) bool {
		if isOther(a.ID) {
			messages.add(a.Sequence, a.Subject, string(a.Body))
		}
		return true
	})
	if err != nil {
		b.Fatal(err)
	}
	err = b.client.TailDeadLetters(b.Context(), stream.Selection{}, func(d event.StoredDeadLetter) bool {
		if isOther(d.ID) {
			letters.add(d.Entries, d.From, d.Err, string(d.Body))
		}
		return true
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range b.rawRows() {
		if isOther(fmt.Sprint(row["event_id"])) {
			rows.add(row)
		}
	}
	all["messages"], all["dead letters"], all["bigquery"] = fmt.Sprint(messages), fmt.Sprint(letters), fmt.Sprint(rows)
	b.Logf("the others: %v", all)
	return all
}

// A tally counts values in any order, with the sum of their hashes.
type tally struct {
	n   int
	sum uint64
}

func (t *tally) add(values ...any) {
	h := fnv.New64a()
	fmt.Fprint(h, values...)
	t.n, t.sum = t.n+1, t.sum+h.Sum64()
}

// raftClean checks the time that the receipt gives for the Raft logs of three servers. With
// -raft-logs it looks into the files of the logs until no byte of the person is left, and
// fails after the time of the receipt.
func (b *personBed) raftClean(person int, r *people.Receipt) {
	b.Helper()
	if len(b.dirs) == 1 {
		return
	}
	if at := r.Stores[0]; at.Status != people.CleanLater || at.CleanAt.Before(r.At) {
		b.Errorf("the receipt of the stream is %+v", at)
	}
	left := hits(b.T, person, b.raftFiles()...)
	b.Logf("the Raft logs have the person %d times after the erasure", left)
	if !*raftLogs {
		return
	}
	err := lab.WaitFor(b.Context(), "the Raft logs are clean", time.Until(r.Stores[0].CleanAt), func() error {
		if hits(b.T, person, b.raftFiles()...) > 0 {
			return errNotYet
		}
		return nil
	})
	if err != nil {
		b.Fatalf("after the time of the receipt: %v", err)
	}
	b.Logf("the Raft logs were clean %s after the erasure", time.Since(r.At))
}

// counts returns what find says about a person.
func (b *personBed) counts(person int) map[string]int64 {
	b.Helper()
	var list []struct {
		Stores []people.StoreCount `json:"stores"`
	}
	if err := json.Unmarshal([]byte(b.ok("person", "find", "--id", "id-"+personName(person), "--output", "json")), &list); err != nil {
		b.Fatal(err)
	}
	counts := map[string]int64{}
	for _, s := range list[0].Stores {
		counts[s.Store] += s.Events
	}
	return counts
}

// A person is erased everywhere, byte by byte; the others and the funnel stay. What comes
// back later, by a repeated call, a redrive or a full replay, comes without personal data.
// An erasure that is killed in any step is finished by the next one.
func TestErasedPerson(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 3} {
		t.Run(fmt.Sprint("replicas ", replicas), func(t *testing.T) {
			t.Parallel()
			b := newPersonBed(t, replicas)
			b.fill()
			for _, person := range []int{3, 4, 5} {
				b.present(person)
			}
			funnel, others, other := b.funnel(), b.others(3, 5), b.counts(6)
			all := int64(*personEvents)
			if diff := cmp.Diff(map[string]int64{"stream": all, "dead letters": 1, "warehouse duckdb": all, "warehouse parquet": all, "warehouse bigquery": all}, b.counts(3)); diff != "" {
				t.Errorf("find (-want +got):\n%s", diff)
			}
			begin := time.Now()
			r := b.erase(3, 0)
			if at := r.Stores[4]; at.Status != people.CleanLater || at.CleanAt.Before(time.Now().Add(13*24*time.Hour)) || !r.CleanAt.Equal(at.CleanAt) {
				t.Errorf("the receipt of BigQuery is %+v", at)
			}
			t.Logf("erased %d events of each store in %s: %+v", all, time.Since(begin), r.Stores)
			b.clean(3)
			b.raftClean(3, r)
			if replicas == 1 { // the steps are the same
				b.killed(5)
			}
			if diff := cmp.Diff(funnel, b.funnel()); diff != "" {
				t.Errorf("funnel (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(others, b.others(3, 5)); diff != "" {
				t.Errorf("the others (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(other, b.counts(6)); diff != "" {
				t.Errorf("somebody else (-before +after):\n%s", diff)
			}
			b.returns(3)
		})
	}
}

// killed kills an erasure in each step, and then erases. The bytes of the stores are searched
// at the end only: a search every 20 ms would take the processors from the erasure.
func (b *personBed) killed(person int) {
	b.Helper()
	before, marks, file := b.messages(), b.marks(), b.duckDBFile()
	for _, step := range []struct {
		name    string
		reached func() bool
	}{
		{"marked", func() bool { return b.marks() > marks }},
		{"messages erased", func() bool { return b.messages() < before }},
		{"stream erased", func() bool { return b.messages() <= before-*personEvents }},
		{"DuckDB erased", func() bool { return !os.SameFile(file, b.duckDBFile()) }},
	} {
		cmd := b.command("person", "erase", "--email", personName(person)+"@mail.example", "--yes", "--grace", "0s")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		err := lab.WaitFor(b.Context(), step.name, 20*time.Minute, func() error {
			if !step.reached() {
				return errNotYet
			}
			return nil
		})
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if err != nil {
			b.Error(err)
		}
	}
	b.erase(person, 0)
	b.clean(person)
}

// messages returns the number of messages of the stream.
func (b *personBed) messages() int {
	b.Helper()
	st, err := b.client.JetStream.Stream(b.Context(), stream.Name)
	if err != nil {
		b.Fatal(err)
	}
	return int(st.CachedInfo().State.Msgs)
}

// duckDBFile identifies the file: an erasure replaces the file by a new one.
func (b *personBed) duckDBFile() fs.FileInfo {
	b.Helper()
	info, err := os.Stat(b.duckdb)
	if err != nil {
		b.Fatal(err)
	}
	return info
}

func (b *personBed) marks() int {
	b.Helper()
	m, err := b.client.ReadMarks(b.Context(), nil) // ListErased would leave a consumer with each call
	if err != nil {
		b.Fatal(err)
	}
	return len(m.List)
}

// returns repeats a call of an erased person, redrives a dead letter and replays all.
func (b *personBed) returns(person int) {
	b.Helper()
	again := personMessage(person, 0)
	if _, err := b.pub.Publish(b.Context(), again); err != nil {
		b.Fatal(err)
	}
	late := personMessage(person, 4*(*personEvents)+2)
	if _, err := b.pub.Publish(b.Context(), late); err != nil {
		b.Fatal(err)
	}
	d := event.DeadLetter{Message: *personMessage(person, 1), From: "warehouse", Reason: fault.ReasonExhausted, StoredAt: time.Now(), DiedAt: time.Now()}
	if err := b.pub.StoreDeadLetter(b.Context(), &d); err != nil {
		b.Fatal(err)
	}
	b.ok("dead", "redrive", "--reason", "exhausted")
	b.drained()
	for _, to := range []string{"warehouse", "warehouse-parquet", "warehouse-bigquery"} {
		b.ok("replay", "start", "--to", to, "--wait")
	}
	b.cleanWarehouses(person)
	for _, url := range b.urls() {
		if n := b.rows(url, fmt.Sprintf("SELECT count(*) FROM customerio_events WHERE event_id = '%s' AND erased_at IS NOT NULL", late.ID)); n[0][0] != int64(1) {
			b.Errorf("the late event of the erased person is %v times in %s, want once and anonymised", n, url)
		}
	}
}
