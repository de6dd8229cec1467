package workerapp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/worker"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// of returns the settings of a workspace, which may have a region and a rate of
// its own.
func (t Track) of(workspace string) (Track, error) {
	if workspace == config.DefaultWorkspace || t.value == nil {
		return t, nil
	}
	var mistakes []error
	name := config.Variable(workspace, "REGION")
	if region := t.value(name); region != "" {
		t.Region = region
		mistakes = append(mistakes, checkRegion(name, region))
	}
	name = config.Variable(workspace, "TRACK_RATE")
	if text := t.value(name); text != "" {
		var err error
		if t.Rate, err = strconv.ParseFloat(text, 64); err != nil || t.Rate <= 0 {
			mistakes = append(mistakes, fmt.Errorf("%s: %q is no number above 0", name, text))
		}
	}
	return t, errors.Join(mistakes...)
}

func checkRegion(name, region string) error { return config.OneOf(name, region, "us", "eu") }

// profiles returns the client of a workspace. What shares it shares its rate.
func (a *App) profiles(w config.Workspace, metrics *customerio.Metrics) (*customerio.Client, error) {
	track, err := a.cfg.Track.of(w.Name)
	if err != nil {
		return nil, err
	}
	client, err := customerio.New(customerio.Config{
		SiteID: w.SiteID, APIKey: w.APIKey, Region: track.Region, URL: track.URL,
		Rate: track.Rate, Concurrency: track.Concurrency,
		Metrics: metrics, Workspace: w.Name, Log: a.log,
	})
	if err != nil {
		return nil, fmt.Errorf("workspace %s: %w", w.Name, err)
	}
	return client, nil
}

// addEffects adds the consumers of a workspace. Each workspace has its own, so
// that one whose API does not work holds up none of the others.
func (a *App) addEffects(workspace string, people *customerio.Client) {
	add := func(name string, metrics []webhook.Metric, j job) {
		if !slices.Contains(a.cfg.Consumers, name) {
			return
		}
		j.name, j.subjects = name, stream.EventsOf(workspace, metrics)
		if people != nil {
			j.gate = people
		}
		if workspace != config.DefaultWorkspace {
			j.name += "-" + workspace
		} else if len(a.cfg.Workspaces.All()) == 1 {
			// Events of a workspace that nobody knows become dead letters here, for
			// somebody to see.
			j.subjects = stream.EventsOf("", metrics)
		}
		a.jobs = append(a.jobs, j)
	}
	policy := a.cfg.Effects.of(workspace).Policy
	add(Suppression, policy.SuppressionMetrics(), job{limits: suppressionLimits, loops: 1, handler: &worker.Effects{
		Plan: a.plan(policy, effect.Policy.Suppression), Workspace: workspace, Profiles: people, Concurrency: a.cfg.Track.Concurrency,
	}})
	limits := engagementLimits
	limits.Messages = a.cfg.Track.Batch
	// One loop: two would share the opens of each person between them.
	add(Engagement, policy.EngagementMetrics(), job{limits: limits, loops: 1, handler: &worker.Bulk{
		Plan: a.plan(policy, effect.Policy.Engagement), Workspace: workspace, Profiles: people,
	}})
}

// notes says of which workspaces nothing is fetched now, and why.
func (a *App) notes() []string {
	var list []string
	for i, client := range a.clients {
		if err := client.Down(); err != nil {
			list = append(list, fmt.Sprintf("workspace %s: %v", a.cfg.Workspaces.All()[i].Name, err))
		}
	}
	return list
}
