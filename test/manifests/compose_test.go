package manifests_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// composeVariables are those without which docker-compose.yml refuses to start.
var composeVariables = map[string]string{
	"CUSTOMERIO_WEBHOOK_SECRET": "x", "CUSTOMERIO_SITE_ID": "x", "CUSTOMERIO_TRACK_API_KEY": "x",
}

// loadCompose has Compose's own loader read the file, by its schema. The result has the
// services without a profile, and those of the profiles.
func loadCompose(t *testing.T, env map[string]string, profiles ...string) (*types.Project, error) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(root, "docker-compose.yml")}},
		Environment: maps.Clone(env), // the loader adds to it
	}, func(o *loader.Options) { o.Profiles = profiles })
}

func compose(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	p, err := loadCompose(t, composeVariables, profiles...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeNeedsItsSecrets(t *testing.T) {
	t.Parallel()
	for name := range composeVariables {
		env := maps.Clone(composeVariables)
		delete(env, name)
		if _, err := loadCompose(t, env); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestComposeServicesAreHardened(t *testing.T) {
	t.Parallel()
	p := compose(t, "*")
	dockerfile := read(t, "Dockerfile")
	for name, s := range p.Services {
		if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: read_only %t, cap_drop %v, security_opt %v", name, s.ReadOnly, s.CapDrop, s.SecurityOpt)
		}
		stage := regexp.MustCompile(`(?m)^FROM (\S+) AS ` + s.Build.Target + `$`).FindStringSubmatch(dockerfile)
		if stage == nil {
			t.Errorf("%s: the Dockerfile has no stage %s", name, s.Build.Target)
		}
		if s.User == "" && !strings.Contains(dockerfile, "AS "+s.Build.Target+"\nCOPY --from=build --chown=1000:1000 /data /data\nUSER 1000:1000\n") {
			t.Errorf("%s runs as root", name)
		}
		if service := s.Profiles == nil; (s.HealthCheck != nil) != service || (s.Restart == "unless-stopped") != service {
			t.Errorf("%s has the profiles %q, the health check %v and restart %s", name, s.Profiles, s.HealthCheck, s.Restart)
		}
		for _, port := range s.Ports {
			if name != "ingest" || port.Target != 8080 {
				t.Errorf("%s publishes %d", name, port.Target)
			}
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind && !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestComposeRunsCioctlOnDemand: cioctl starts with no other service, and has the
// operator's user of NATS, the worker's warehouse, and the settings of both programs for
// doctor.
func TestComposeRunsCioctlOnDemand(t *testing.T) {
	t.Parallel()
	if _, is := compose(t).Services["cioctl"]; is {
		t.Error("docker compose up starts cioctl")
	}
	p := compose(t, "*")
	c, worker := p.Services["cioctl"], p.Services["worker"]
	if !reflect.DeepEqual(c.Volumes, worker.Volumes) || c.User != worker.User || c.DependsOn != nil {
		t.Errorf("cioctl mounts %v as %s and depends on %v", c.Volumes, c.User, c.DependsOn)
	}
	want := types.MappingWithEquals{}
	maps.Copy(want, worker.Environment)
	url := "nats://operator:operator@nats:4222"
	want["NATS_URL"] = &url
	want["CUSTOMERIO_WEBHOOK_SECRET"] = p.Services["ingest"].Environment["CUSTOMERIO_WEBHOOK_SECRET"]
	if !reflect.DeepEqual(c.Environment, want) {
		t.Errorf("cioctl has the environment %v, want %v", c.Environment, want)
	}
}

func TestComposeProgramsStartWithTheirEnvironment(t *testing.T) {
	t.Parallel()
	p := compose(t)
	for _, name := range []string{"ingest", "worker"} {
		s := p.Services[name]
		env := map[string]string{}
		for k, v := range s.Environment {
			env[k] = *v
		}
		program := declare(name, env)
		for _, m := range program.parse() {
			t.Errorf("%s: %s", name, m)
		}
		for _, unknown := range unknownNames(program.set, env, nil) {
			t.Errorf("%s: %s is no setting", name, unknown)
		}
		needs, err := timeToStop(name, env)
		if err != nil {
			t.Fatal(err)
		}
		if grace := time.Duration(*s.StopGracePeriod); grace < needs+5*time.Second {
			t.Errorf("%s has %v to stop and needs %v, and some to spare", name, grace, needs)
		}
		if want := "nats://" + name + ":" + name + "@nats:4222"; env["NATS_URL"] != want {
			t.Errorf("%s connects to %s, want %s", name, env["NATS_URL"], want)
		}
	}
}

var probedURL = regexp.MustCompile(`http://\S+`)

// TestComposeHealthChecksAskWhatIsServed asks the programs what the checks ask.
func TestComposeHealthChecksAskWhatIsServed(t *testing.T) {
	t.Parallel()
	running := startPrograms(t)
	for name, s := range compose(t).Services {
		url := probedURL.FindString(strings.Join(s.HealthCheck.Test, " "))
		for port, inside := range map[string]string{"admin": "127.0.0.1:9090", "monitor": "127.0.0.1:8222"} {
			if address := running.address(name, port); address != "" {
				url = strings.Replace(url, inside, address, 1)
			}
		}
		eventually(t, name+" at "+url, func(ctx context.Context) error { return get(ctx, url) })
	}
}

// TestComposeNATSIsTheSame starts a server with what the service mounts, and lets
// the users in.
func TestComposeNATSIsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, v := range compose(t).Services["nats"].Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		if filepath.Dir(v.Target) != "/etc/nats" {
			t.Errorf("%s is mounted at %s", v.Source, v.Target)
		}
		text, err := os.ReadFile(v.Source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(v.Target)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts := parseNATS(t, filepath.Join(dir, "nats.conf"))
	if opts.Port != 4222 || opts.HTTPPort != 8222 || opts.SyncInterval != 100*time.Millisecond || opts.StoreDir != "/data" {
		t.Errorf("port %d, monitoring %d, sync %v, store %s", opts.Port, opts.HTTPPort, opts.SyncInterval, opts.StoreDir)
	}
	if !opts.NoSublistCache {
		t.Error("NATS caches the subjects of acknowledgements, each of which is used once")
	}
	c := &natsCluster{scheme: "nats"}
	c.servers = append(c.servers, runNATS(t, opts))
	for _, user := range []string{"ingest", "worker", "operator"} {
		c.connect(t, user)
	}
}
