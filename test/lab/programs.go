package lab

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SigningKey signs the webhook calls of all tests.
const SigningKey = "lab-signing-key"

// Build compiles programs of the product into dir. As in the Makefile, ingest is built
// without cgo.
func Build(ctx context.Context, dir string, programs ...string) error {
	for _, name := range programs {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), "github.com/cioevents/cioevents/cmd/"+name) //nolint:gosec // The test chooses the program.
		if name == "ingest" {
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// Env contains environment variables by name.
type Env map[string]string

// With returns a copy of e with the variables of others. The last value of a
// variable wins.
func (e Env) With(others ...Env) Env {
	all := Env{}
	maps.Copy(all, e)
	for _, o := range others {
		maps.Copy(all, o)
	}
	return all
}

// Get returns the value of a variable, "" when it is missing.
func (e Env) Get(name string) string { return e[name] }

func (e Env) list() (list []string) {
	for name, value := range e {
		list = append(list, name+"="+value)
	}
	return list
}

const anyAddr = "127.0.0.1:0"

// IngestEnv returns the settings of an ingest that listens on free ports and shuts
// down without a delay.
func IngestEnv(natsURL string) Env {
	return Env{
		"NATS_URL": natsURL, "INGEST_ADDR": anyAddr, "ADMIN_ADDR": anyAddr,
		"CUSTOMERIO_WEBHOOK_SECRET": SigningKey, "DRAIN_DELAY": "0",
	}
}

// WorkerEnv returns the settings that every worker needs. TrackEnv and WarehouseEnv
// return the settings of its consumers. Suppressions have no limit, because a made-up
// history bounces more often than a workspace.
func WorkerEnv(natsURL string) Env {
	return Env{"NATS_URL": natsURL, "ADMIN_ADDR": anyAddr, "SUPPRESSION_LIMIT": "0"}
}

// TrackEnv returns the settings of a worker for the Track API.
func TrackEnv(url string) Env {
	return Env{"CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_TRACK_API_KEY": "key", "CUSTOMERIO_TRACK_URL": url}
}

// WarehouseEnv returns the setting of a worker for its warehouses.
func WarehouseEnv(urls ...string) Env { return Env{"WAREHOUSE_URL": strings.Join(urls, ",")} }

// Consumers returns the setting that limits a worker to the named consumers.
func Consumers(names ...string) Env { return Env{"WORKER_CONSUMERS": strings.Join(names, ",")} }

// Programs makes processes of the product's programs.
type Programs struct {
	// Bin is the folder of Build.
	Bin string
	// NATSURL is the value of NATS_URL.
	NATSURL string
	// Env is added to the settings of each program.
	Env Env
}

// Ingest returns a process of ingest with free addresses, which is not started.
func (p Programs) Ingest(env ...Env) *Process {
	addr := FreeAddr()
	ingest := p.process("ingest", IngestEnv(p.NATSURL).With(Env{"INGEST_ADDR": addr}), env)
	ingest.Addr = addr
	return ingest
}

// Worker returns a process of worker with a free admin address, which is not started.
func (p Programs) Worker(env ...Env) *Process {
	return p.process("worker", WorkerEnv(p.NATSURL), env)
}

func (p Programs) process(name string, settings Env, env []Env) *Process {
	admin := FreeAddr()
	settings = settings.With(Env{"ADMIN_ADDR": admin}, p.Env).With(env...)
	return &Process{Name: name, Path: filepath.Join(p.Bin, name), Env: settings, Admin: admin}
}
