package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// Endpoint is an endpoint that admins manage.
type Endpoint struct {
	slipway.Endpoint
	Version   int64 // counts the changes
	UpdatedBy string
	UpdatedAt int64 // Unix milliseconds
}

type endpointRow struct {
	bun.BaseModel `bun:"table:endpoints,alias:ep"`

	Name      string `bun:",pk"`
	Settings  string
	Version   int64
	UpdatedBy string
	UpdatedAt int64
}

// Endpoints lists the endpoints that admins manage, by name.
func (s *Store) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var rows []endpointRow
	if err := s.read.NewSelect().Model(&rows).OrderExpr("name").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	out := make([]Endpoint, len(rows))
	for i, r := range rows {
		out[i] = Endpoint{Version: r.Version, UpdatedBy: r.UpdatedBy, UpdatedAt: r.UpdatedAt}
		settings, _, err := s.keys.open(r.Name, r.Settings)
		if err == nil {
			err = json.Unmarshal([]byte(settings), &out[i].Endpoint)
		}
		if err != nil {
			return nil, fmt.Errorf("read endpoint %s: %w", r.Name, err)
		}
		out[i].Name, out[i].Managed = r.Name, true
	}
	return out, nil
}

// SealEndpoints seals the settings that are not sealed with the first key yet.
func (s *Store) SealEndpoints(ctx context.Context) error {
	var rows []endpointRow
	if err := s.read.NewSelect().Model(&rows).OrderExpr("name").Scan(ctx); err != nil {
		return fmt.Errorf("read endpoints: %w", err)
	}
	for _, r := range rows {
		settings, anew, err := s.keys.open(r.Name, r.Settings)
		if err != nil {
			return fmt.Errorf("read endpoint %s: %w", r.Name, err)
		}
		if !anew {
			continue
		}
		_, err = s.write.NewUpdate().Model((*endpointRow)(nil)).Set("settings = ?", s.keys.seal(r.Name, settings)).
			Where("name = ?", r.Name).Where("version = ?", r.Version).Exec(ctx)
		if err != nil {
			return fmt.Errorf("seal endpoint %s: %w", r.Name, err)
		}
	}
	return nil
}

// SaveEndpoint writes an endpoint that had the version given, 0 for a new one, and
// returns its new version. It is Stale if somebody else changed it meanwhile.
func (s *Store) SaveEndpoint(ctx context.Context, e slipway.Endpoint, version int64, by string, at time.Time) (int64, error) {
	settings, err := json.Marshal(e) //nolint:gosec // hooks cannot be signed without the secrets
	if err != nil {
		return 0, fmt.Errorf("write endpoint %s: %w", e.Name, err)
	}
	row := endpointRow{Name: e.Name, Settings: s.keys.seal(e.Name, string(settings)), Version: version + 1, UpdatedBy: by, UpdatedAt: at.UnixMilli()}
	var res sql.Result
	if version == 0 {
		res, err = s.write.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
	} else {
		res, err = s.write.NewUpdate().Model(&row).WherePK().Where("version = ?", version).Exec(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("write endpoint %s: %w", e.Name, err)
	}
	if !touched(res) {
		return 0, slipway.Refuse(slipway.Stale, "Somebody else has changed the endpoint %[1]s meanwhile. Look at it again.",
			"接收方 %[1]s 已被他人修改，请重新查看。", e.Name)
	}
	return row.Version, nil
}

// DeleteEndpoint removes an endpoint. NotFound if there is none of the name.
func (s *Store) DeleteEndpoint(ctx context.Context, name string) error {
	res, err := s.write.NewDelete().Model((*endpointRow)(nil)).Where("name = ?", name).Exec(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("delete endpoint %s: %w", name, err)
	}
	if !touched(res) {
		return slipway.Refuse(slipway.NotFound, "There is no endpoint %[1]s that could be deleted here.", "没有可在此删除的接收方 %[1]s。", name)
	}
	return nil
}
