package arch_test

// A floor is a set of packages that do not import each other.
type floor struct {
	name  string
	rooms []room
}

// A room is a package. Its purpose tells a newcomer which changes belong there.
type room struct{ pkg, purpose string }

// floors is a statement of policy, highest floor first. A package may import
// packages on floors below its own; never its own floor, never above. Its tests
// may also import its own floor. Packages under test/ follow a rule of their own:
// they may import anything, but of each other only test/lab.
//
// Do not edit this to make a build pass. A new package fails until it is placed,
// which is the moment to ask whether it should exist. CONTRIBUTING.md shows this
// table: "make docs" writes it.
var floors = []floor{
	{"tests of the whole", []room{
		{"test/arch", "this table: who may import what, and who owns each third-party module"},
		{"test/bench", "`make bench` and `make soak`: throughput, latency, memory and outages of the real programs"},
		{"test/chaos", "`make chaos`: random faults against real processes, and the check that nothing is lost or doubled"},
		{"test/commands", "runs the commands of the documents beside `cioctl dev`"},
		{"test/console", "`make console`: a person's way through the console in Chromium, and the screenshots of the documents; a module of its own"},
		{"test/docs", "checks of the documents: tables of settings, links, constants that a sentence quotes, workflows"},
		{"test/images", "`make images`: all images without a Docker engine, the check of each image, and the services of `docker-compose.yml` in network namespaces"},
		{"test/integration", "tests of all programs together: kills, outages, replays, instruments, secrets in logs"},
		{"test/lab", "what bench, chaos, images, lb, upgrade and integration share: processes, NATS servers, fakes, publishing, waiting, scraping of metrics, a made-up history of events and a model of the resulting profiles"},
		{"test/lb", "`make lb`: nginx, HAProxy, Caddy and Varnish with the configurations of docs/loadbalancers.md in front of ingest"},
		{"test/manifests", "tests of `deploy/` and `docker-compose.yml`; a module of its own"},
		{"test/sqlcheck", "the check of BigQuery's SQL with Google's analyzer; a module of its own"},
		{"test/upgrade", "`make upgrade`: the released version beside this one on one stream, and the check that every event counts once"},
	}},
	{"programs", []room{
		{"cmd/ingest", "main of the webhook receiver: exit codes, garbage collector settings"},
		{"cmd/worker", "main of the worker: exit codes"},
		{"cmd/cioctl", "the operator's commands: flags, output, tables, progress bars, prompts, `cioctl demo`"},
	}},
	{"one process", []room{
		{"internal/dev", "`cioctl dev`: NATS, ingest, worker, the fakes of Customer.io's APIs and DuckDB started and stopped in one process, and the welcome text"},
	}},
	{"programs' wiring", []room{
		{"internal/app/ingestapp", "which parts ingest consists of, and its order of start and shutdown"},
		{"internal/app/workerapp", "which parts the worker consists of: which consumers it opens for each workspace and warehouse, whether each warehouse is the consumer's store, which replays it serves, what makes it ready"},
	}},
	{"shared wiring", []room{
		{"internal/app", "what ingest and worker share: start of the program, its parts in order, shutdown"},
	}},
	{"faces", []room{
		{"internal/console", "the pages of the console, its login, and the checks of every request; each page shows what a use case or a report returns"},
		{"internal/alerts", "alerts without Prometheus: conditions, onset and end of each, which worker sends them, the calls of the receiver"},
	}},
	{"use cases", []room{
		{"internal/operate", "what an operator can do, for `cioctl` and other faces: list, filter, redrive and drop dead letters, start replays, move warehouses, follow the streams, try rules, send events; what workers report about themselves"},
		{"internal/doctor", "the set-up at Customer.io and its checks: reporting webhooks, the sample event and its row"},
		{"internal/people", "the personal data of a person: completing identifiers, counting, exporting and erasing in the stream, the dead letters and all warehouses, the receipt"},
		{"internal/audit", "the proof that no event is missing: Customer.io's deliveries and the events of the stream against the rows of a warehouse, and the instruments of the last recorded result"},
		{"internal/names", "the names of messages: asking Customer.io for them, storing them in a warehouse, once a day in a worker"},
	}},
	{"applications", []room{
		{"internal/ingest", "the webhook server: answers and their status codes, limits of bodies and connections, timeouts, TLS certificates, allowed networks"},
		{"internal/worker", "what happens to a fetched batch: perform effects, fold opens and clicks of a person, write rows, acknowledge; how often and after which pause a message is tried again, and when it becomes a dead letter"},
		{"internal/report", "the queries and the HTML page of `cioctl report`"},
	}},
	{"joins", []room{
		{"internal/warehouse/place", "opening a warehouse by its `WAREHOUSE_URL`: the list of kinds, and what each kind offers (sink, reader, set-up, compaction, examination)"},
		{"internal/warehouse/guard", "what a warehouse may know about a person: rows of erased persons without personal data, the policy of `PRIVACY_FILE`"},
		{"internal/warehouse/bigquery/bigquerytest", "the fake BigQuery with DuckDB behind its query jobs, for the tests of readers"},
		{"internal/stream/streamtest", "a real NATS server with JetStream for the tests of other packages"},
	}},
	{"adapters", []room{
		{"internal/stream", "everything NATS: connection, subjects, message headers, settings of streams and consumers and their creation, publishing, fetching, acknowledgements, storage of dead letters and replays, positions of consumers, the bucket of what workers share, lag"},
		{"internal/stream/natsserver", "a NATS server inside the process, for `cioctl dev` and tests"},
		{"internal/customerio", "calls of Customer.io's Track API, which changes profiles, and of its App API, which sets up webhooks and lists names and deliveries: requests, batches and pages, limits, pacing, circuit breaker, what each answer means (Retry-After, permanent)"},
		{"internal/customerio/customeriotest", "the fake Track API and the fake App API: what Customer.io accepts, refuses and stores; faults for tests"},
		{"internal/warehouse/duckdb", "the DuckDB file: schema changes, inserts without duplicates, memory limits, sharing the file with readers, queries"},
		{"internal/warehouse/parquet", "the folder of Parquet files: encoding, publishing, daily partitions, compaction"},
		{"internal/warehouse/bigquery", "BigQuery: Storage Write API, schema changes and views, which answers are permanent, query jobs, URL parameters"},
		{"internal/warehouse/bigquery/bigqueryfake", "the fake BigQuery: what Google accepts, refuses and stores; faults for tests"},
		{"internal/privacy/privacytest", "the conformance suite that every store of persons' events passes"},
		{"internal/warehouse/warehousetest", "the conformance suite that every warehouse passes, and the numbers that its views must show"},
	}},
	{"concepts", []room{
		{"internal/event", "types that ingest, worker and stream agree on: the message of one webhook call with its id and index fields, an attempt at the message, the dead letter"},
		{"internal/effect", "what an event does to a profile: the effects file, the built-in rules (suppression, opt-outs, engagement by opens and clicks), the person, the Track API calls that result"},
		{"internal/privacy", "whose event an event is, the keyed hash of personal values, the contract `privacy.Store` of a store of persons' events"},
		{"internal/warehouse", "the row of one event, the columns of the table, names of the views, the contracts `warehouse.Sink`, `warehouse.Identity` and `warehouse.Notes`"},
		{"internal/warehouse/duckdbsql", "the SQL of the views for DuckDB, which a DuckDB file and a Parquet folder share"},
	}},
	{"tools", []room{
		{"internal/fault", "classes of errors (permanent, outage, retry after, transient) and the closed set of reasons"},
		{"internal/config", "parsing of environment variables and flags, `--help`, `--version`, workspaces, exit codes. The component that uses a setting declares it, default included"},
		{"internal/telemetry", "logger, traces, and the admin listener that answers `/metrics`, `/healthz` and `/readyz`; each package registers its own instruments in `metrics.go`"},
		{"internal/strictyaml", "reading YAML files of settings: refusals of anything ambiguous, every mistake with its line in one error"},
		{"internal/tlstest", "TLS certificates for tests"},
	}},
	{"test data", []room{
		{"pkg/webhook/webhooktest", "sample webhook bodies, signed requests, and simulated messages with their expected totals"},
	}},
	{"ground", []room{
		{"internal/terminal", "texts of strangers without control characters, for tables, logs and JSON; which stream is a terminal"},
		{"pkg/webhook", "the public library: the event of a webhook call and its fields, parsing, signatures, classes of bounces, comparison of e-mail addresses. Standard library only"},
	}},
}
