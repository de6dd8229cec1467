package workerapp

import (
	"fmt"
	"slices"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/worker"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// newClient returns the Track API client of a workspace.
func (a *App) newClient(w config.Workspace, metrics *customerio.Metrics) (*customerio.Client, error) {
	cfg, err := a.cfg.Track.For(w, &a.cfg.Workspaces)
	if err != nil {
		return nil, err
	}
	cfg.Metrics, cfg.Log = metrics, a.Log
	client, err := customerio.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("workspace %s: %w", w.Name, err)
	}
	return client, nil
}

// addEffects adds the consumers of a workspace. With separate consumers a workspace
// with an unavailable API delays no other workspace. In a dry run client is nil and
// no API keeps the consumers waiting.
func (a *App) addEffects(workspace string, client *customerio.Client) {
	policy := a.cfg.Effects.policies[workspace].Policy
	suppression := job{name: Suppression, limits: suppressionLimits, loops: 1}
	// One loop: two loops would share the opens of each person between them.
	engagement := job{name: Engagement, limits: engagementLimits, loops: 1}
	engagement.limits.Messages = a.cfg.EngagementBatch
	others := a.metrics.OtherRecipients(workspace)
	if a.cfg.Effects.DryRun {
		suppression.handler = &worker.LogOnly{Plan: policy.Suppression, Workspace: workspace, Log: a.Log, OtherRecipients: others}
		engagement.handler = &worker.LogOnly{Plan: policy.Engagement, Workspace: workspace, Log: a.Log, OtherRecipients: others}
	} else {
		suppression.gate, engagement.gate = client, client
		suppression.handler = &worker.Effects{
			Plan: policy.Suppression, Workspace: workspace, Profiles: client, Concurrency: a.cfg.Track.Concurrency,
			OtherRecipients: others, Limit: a.suppressionLimit(workspace),
		}
		engagement.handler = &worker.Bulk{Plan: policy.Engagement, Workspace: workspace, Profiles: client, OtherRecipients: others}
	}
	a.addJob(suppression, workspace, policy.SuppressionMetrics())
	a.addJob(engagement, workspace, policy.EngagementMetrics())
}

// suppressionLimit returns the limit of a workspace, nil for none.
func (a *App) suppressionLimit(workspace string) *worker.SuppressionLimit {
	if a.cfg.Effects.Limit == 0 {
		return nil
	}
	return &worker.SuppressionLimit{PerHour: a.cfg.Effects.Limit, Workspace: workspace, State: a.Conn.State()}
}

// addJob adds the job for a workspace's events of the metrics, unless its consumer
// is not configured.
func (a *App) addJob(j job, workspace string, metrics []webhook.Metric) {
	if !slices.Contains(a.cfg.Consumers, j.name) {
		return
	}
	j.subjects = stream.EventsOf(workspace, metrics)
	j.name = consumerOf(j.name, workspace)
	if workspace == config.DefaultWorkspace && len(a.cfg.Workspaces.All()) == 1 {
		// An event of an unknown workspace becomes a dead letter here, where an
		// operator sees the event.
		j.subjects = stream.EventsOf("", metrics)
	}
	a.jobs = append(a.jobs, j)
}

// notes lists what is wrong with the streams, and the workspaces with an unavailable
// Track API with the errors. The consumers of these workspaces fetch nothing.
func (a *App) notes() []string {
	list := a.Conn.Notes()
	for i, client := range a.clients {
		if err := client.Down(); err != nil {
			list = append(list, fmt.Sprintf("workspace %s: %v", a.cfg.Workspaces.All()[i].Name, err))
		}
	}
	return list
}
