package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
)

func (c *cli) verify() *cobra.Command {
	var secret, signature, timestamp string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the signature of a captured webhook call",
		Long: `verify reads the body of a captured webhook call from standard input, byte for
byte, and prints which of the keys signed the call. It ignores the age of the
timestamp. Copy --signature and --timestamp from the headers of the call.

Use it when ingest answers 401: "not signed by any" means that CUSTOMERIO_WEBHOOK_SECRET
is not the key of this webhook at Customer.io, or that something on the way has changed
the body, such as a proxy that writes JSON again. An editor that appends a newline does
the same to the captured file.`,
		Example: "  CUSTOMERIO_WEBHOOK_SECRET_FILE=key.txt cioctl verify --signature 6f55… --timestamp 1614265384 < body.json",
	}
	cmd.Flags().StringVar(&signature, "signature", "", "header X-CIO-Signature of the call (required)")
	cmd.Flags().StringVar(&timestamp, "timestamp", "", "header X-CIO-Timestamp of the call; leave it out when the call has none")
	secrets := declare(func(s *config.Set) {
		s.Secret(&secret, "CUSTOMERIO_WEBHOOK_SECRET", "signing keys, comma-separated (required)")
		s.Check(func() error {
			if secret == "" {
				return errors.New("CUSTOMERIO_WEBHOOK_SECRET: is required: give the signing key")
			}
			if signature == "" {
				return errors.New("--signature: is required: give the header X-CIO-Signature of the call")
			}
			return nil
		})
	})
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		body, err := io.ReadAll(c.stdin(ctx))
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		keys := config.SplitList(secret)
		key, err := operate.SignedBy(keys, signature, timestamp, body)
		if _, wrong := errors.AsType[*operate.InputError](err); wrong {
			return &config.UsageError{Err: flagError(err)}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "signed by key %d of %d\n", key+1, len(keys))
		return err
	}, secrets)
}
