package bigquery

import (
	"context"
	"fmt"
	"strings"

	bq "cloud.google.com/go/bigquery"
	"cloud.google.com/go/bigquery/storage/managedwriter"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// newTables returns a client of the REST API for datasets, tables and views. Without
// Config.RESTEndpoint the client uses Application Default Credentials.
func newTables(ctx context.Context, cfg *Config) (*bq.Client, error) {
	var options []option.ClientOption
	if cfg.RESTEndpoint != "" {
		options = append(options, option.WithEndpoint(restURL(cfg.RESTEndpoint)))
		if !cfg.authenticate {
			options = append(options, option.WithoutAuthentication())
		}
	}
	client, err := bq.NewClient(ctx, cfg.Project, options...)
	if err != nil {
		return nil, fmt.Errorf("create REST client: %w", credentials(err))
	}
	return client, nil
}

// restURL adds the scheme and the path to an address without them.
func restURL(endpoint string) string {
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	_, server, _ := strings.Cut(endpoint, "://")
	if path := strings.TrimSuffix(server, "/"); !strings.Contains(path, "/") {
		return strings.TrimSuffix(endpoint, "/") + "/bigquery/v2/"
	}
	return endpoint
}

// newWriter returns a client of the Write API. The end of ctx ends all its calls.
func newWriter(ctx context.Context, cfg *Config) (*managedwriter.Client, error) {
	// Without a pool, all streams share a connection and its flow control.
	options := []option.ClientOption{
		option.WithGRPCConnectionPool(cfg.Connections),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(cfg.keepAlive)),
	}
	if cfg.GRPCEndpoint != "" {
		options = append(options, option.WithEndpoint(cfg.GRPCEndpoint), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	client, err := managedwriter.NewClient(ctx, cfg.Project, options...)
	if err != nil {
		return nil, fmt.Errorf("create Write API client: %w", credentials(err))
	}
	return client, nil
}

// credentials marks the error of a new client, which has made no call: the credentials
// are missing or cannot be read. Errors of the metadata server come with the calls.
func credentials(err error) error { return fmt.Errorf("%w: %w", warehouse.ErrNoCredentials, err) }
