// Images is for developers: it builds all images of the Dockerfile without a Docker
// engine, checks each image, and runs the services of docker-compose.yml with crun, in
// network namespaces. Stand-ins from Debian packages replace the base images where no
// registry can be reached. The program needs root, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cioevents/cioevents/test/lab"
)

func main() { lab.Main("images", run) }

// A config selects where to work.
type config struct {
	// dir contains the images, the containers and their logs.
	dir string
	// keep leaves dir, and the next run needs no new base images.
	keep bool
	// messages is the number of simulated messages of the campaign.
	messages int
	// stage is the part of the run that this process is; "" starts a process for each part.
	stage string
}

func parse(args []string) (config, error) {
	var cfg config
	set := flag.NewFlagSet("images", flag.ContinueOnError)
	set.StringVar(&cfg.dir, "dir", "", "folder for images and caches that stays for the next run; by default a folder that is deleted")
	set.IntVar(&cfg.messages, "messages", 2000, "number of simulated messages to send, at least 1")
	set.StringVar(&cfg.stage, "stage", "", "for the program itself: the part of the run")
	if err := set.Parse(args); err != nil {
		return cfg, err
	}
	if cfg.messages < 1 {
		return cfg, fmt.Errorf("invalid --messages %d: want at least 1", cfg.messages)
	}
	cfg.keep = cfg.dir != ""
	return cfg, nil
}

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	switch cfg.stage {
	case "":
		return runStages(ctx, cfg)
	case "build":
		return isolated(func() error { return build(ctx, cfg) })
	case "run":
		return isolated(func() error { return check(ctx, cfg) })
	default:
		return fmt.Errorf("invalid --stage %q", cfg.stage)
	}
}

// runStages builds the images and then runs them. Only the second stage has a network of
// its own: the first one downloads.
func runStages(ctx context.Context, cfg config) (err error) {
	if err := ready(); err != nil {
		return err
	}
	if cfg.keep {
		cfg.dir, err = filepath.Abs(cfg.dir)
	} else {
		cfg.dir, err = os.MkdirTemp("/var/tmp", "cioevents-images-") // /tmp may be in memory
	}
	if err != nil {
		return err
	}
	if err := stage(ctx, cfg, "build", 0); err != nil {
		return errors.Join(err, clean(cfg))
	}
	return errors.Join(stage(ctx, cfg, "run", newNetwork), clean(cfg))
}

// clean deletes the folder. The mounts below it ended with their stage.
func clean(cfg config) error {
	if cfg.keep {
		return nil
	}
	return os.RemoveAll(cfg.dir)
}

const packages = "buildah crun debootstrap iproute2"

// ready returns an error with the packages that the machine lacks.
func ready() error {
	if os.Geteuid() != 0 {
		return errors.New("images needs root: it mounts file systems and creates namespaces")
	}
	var missing []string
	for name := range strings.FieldsSeq("buildah crun debootstrap ip nsenter git") {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return fmt.Errorf("find %s: on Debian, apt-get install %s", strings.Join(missing, ", "), packages)
	}
	return nil
}
