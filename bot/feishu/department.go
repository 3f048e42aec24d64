package feishu

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"slipway/bot"
)

// With these codes Feishu says that a department is outside of the app's contacts, or that
// there is none with the id.
var codesNoDepartment = []int{40004, 40008, 40015}

// A department is read in pages of the size that Feishu allows; an approval takes far fewer
// people than that.
const (
	departmentPage  = "50"
	departmentPages = 10
)

// Members implements bot.Grouper: the people who belong to a department directly.
func (f *Feishu) Members(ctx context.Context, group string) ([]bot.UserRef, error) {
	q := url.Values{
		"user_id_type": {"open_id"}, "department_id_type": {"open_department_id"}, "department_id": {group}, "page_size": {departmentPage},
	}
	var refs []bot.UserRef
	for range departmentPages {
		var out struct {
			Data struct {
				HasMore   bool   `json:"has_more"`
				PageToken string `json:"page_token"`
				Items     []struct {
					OpenID string `json:"open_id"`
				} `json:"items"`
			} `json:"data"`
		}
		err := f.call(ctx, http.MethodGet, "/open-apis/contact/v3/users/find_by_department", q, nil, &out)
		if refusedWith(err, codesNoDepartment...) {
			err = fmt.Errorf("%w: %w", bot.ErrGone, err)
		}
		if err != nil {
			return nil, fmt.Errorf("list department in Feishu: %w", err)
		}
		for _, u := range out.Data.Items {
			refs = append(refs, userRef(u.OpenID))
		}
		if !out.Data.HasMore || out.Data.PageToken == "" {
			break
		}
		q.Set("page_token", out.Data.PageToken)
	}
	return refs, nil
}
