package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// A project is a docker-compose.yml, with the keys that this project uses.
type project struct {
	Services map[string]*service
}

// A service is a service of a project.
type service struct {
	Build struct{ Target string }
	// Command replaces the command of the image.
	Command []string
	// User has two numbers, or is "" for the user of the image.
	User        string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	// Grace is the time to stop.
	Grace       time.Duration `yaml:"stop_grace_period"`
	Environment map[string]string
	Volumes     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	HealthCheck struct{ Test []string }
	Profiles    []string
}

// load reads a project. An unset variable has its default, or the value in env if the file
// requires the variable.
func load(path string, env map[string]string) (*project, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var missing []error
	expanded := os.Expand(string(text), func(expression string) string {
		value, err := resolve(expression, env)
		missing = append(missing, err)
		return value
	})
	var p project
	if err := errors.Join(append(missing, yaml.Unmarshal([]byte(expanded), &p))...); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &p, nil
}

// resolve returns the value of NAME:-default or NAME:?message.
func resolve(expression string, env map[string]string) (string, error) {
	name, rest, found := strings.Cut(expression, ":")
	if value := env[name]; value != "" {
		return value, nil
	}
	if standard, is := strings.CutPrefix(rest, "-"); found && is {
		return standard, nil
	}
	return "", fmt.Errorf("%s is not set: %s", name, strings.TrimPrefix(rest, "?"))
}

// names returns the names of all services, sorted.
func (p *project) names() (list []string) {
	for name := range p.Services {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// order returns the services without a profile in the order of their start: dependencies
// first.
func (p *project) order() (list []string) {
	var add func(name string)
	add = func(name string) {
		for _, needed := range p.names() {
			if _, needs := p.Services[name].DependsOn[needed]; needs {
				add(needed)
			}
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, name := range p.names() {
		if p.Services[name].Profiles == nil {
			add(name)
		}
	}
	return list
}

// check returns the command of the health check inside the container.
func (s *service) check() []string {
	if kind, rest := s.HealthCheck.Test[0], s.HealthCheck.Test[1:]; kind == "CMD" {
		return rest
	}
	return append([]string{"/bin/sh", "-c"}, s.HealthCheck.Test[1:]...)
}
