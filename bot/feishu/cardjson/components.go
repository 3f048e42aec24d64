package cardjson

import "regexp"

// common is what every component has. card-json-v2-structure, body.elements.
var common = object{
	"tag":        must(filled),
	"element_id": may(elementID),
	"margin":     may(sides(-99)),
}

// field is what the components that are filled in have in common. `required` outside of a
// form "将报错或不生效", so Check refuses it there.
var field = common.with(object{
	"name":        may(filled),
	"required":    may(boolean),
	"disabled":    may(boolean),
	"width":       may(fieldWidth),
	"placeholder": may(plain(MaxPlaceholder)),
	"behaviors":   may(behaviors(false)),
	"confirm":     may(confirm),
	"value":       may(anything), // of old, "历史属性"
})

// choice is what the four selects have in common.
var choice = field.with(object{"type": may(oneOf("default", "text"))})

// known are the components of 2.0 by tag. Left out are audio, chart, select_img and
// img_combination, which Slipway has no use for: Check refuses them.
var known = map[string]object{
	// …/content-components/*
	"div": common.with(object{
		"text": may(styled),
		"fields": may(list(object{
			"is_short": may(boolean), "text": must(styled),
		}.rule)),
		"icon":  may(icon.rule),
		"width": may(length(16, 999, "fill", "auto")),
	}),
	"markdown": common.with(object{
		"content":      must(str(0)),
		"i18n_content": may(inLanguages(str(0))),
		"text_size":    may(str(0)),
		"text_align":   may(align),
		"icon":         may(icon.rule),
	}),
	"hr": common,
	"img": common.with(object{
		"img_key":       must(filled),
		"i18n_img_key":  may(inLanguages(filled)),
		"alt":           must(plain(0)),
		"title":         may(plain(0)),
		"corner_radius": may(radius),
		"scale_type":    may(oneOf("crop_center", "crop_top", "fit_horizontal")),
		"size":          may(like("a size", regexp.MustCompile(`^(stretch|large|medium|small|tiny|\d{1,4}px \d{1,4}px)$`))),
		"transparent":   may(boolean),
		"preview":       may(boolean),
		"mode":          may(oneOf("crop_center", "fit_horizontal", "stretch", "large", "medium", "small", "tiny")),
		"custom_width":  may(anything),
		"compact_width": may(boolean),
	}),
	"person": common.with(object{
		"user_id":     must(filled),
		"size":        may(oneOf("extra_small", "small", "medium", "large")),
		"show_avatar": may(boolean),
		"show_name":   may(boolean),
		"style":       may(oneOf("normal", "capsule")),
	}),
	"person_list": common.with(object{
		"persons":     must(list(object{"id": must(filled)}.rule)),
		"size":        may(oneOf("extra_small", "small", "medium", "large")),
		"show_avatar": may(boolean),
		"show_name":   may(boolean),
		"lines":       may(whole(1, endless)),
		"icon":        may(icon.rule),
		"ud_icon":     may(anyObject),
	}),
	"table": common.with(object{
		"page_size":           may(whole(1, MaxPageSize)),
		"row_height":          may(length(32, 124, "low", "middle", "high", "auto")),
		"row_max_height":      may(length(32, 999)),
		"freeze_first_column": may(boolean),
		"header_style": may(object{
			"text_align": may(align), "text_size": may(str(0)), "background_style": may(oneOf("none", "grey")),
			"text_color": may(oneOf("default", "grey")), "bold": may(boolean), "lines": may(whole(1, endless)),
		}.rule),
		"columns": must(listUpTo(MaxTableColumns, object{
			"name": must(filled), "display_name": may(str(0)), "width": may(str(0)),
			"data_type":        must(oneOf("text", "lark_md", "options", "number", "persons", "date", "markdown")),
			"horizontal_align": may(align), "vertical_align": may(vertical),
			"format": may(object{
				"precision": may(whole(0, 10)), "symbol": may(str(1)), "separator": may(boolean),
			}.rule),
			"date_format": may(filled),
		}.rule)),
		"rows": must(list(anyObject)),
	}),

	// …/containers/*
	"column_set": common.with(object{
		"horizontal_spacing": may(spacing),
		"horizontal_align":   may(align),
		"flex_mode":          may(oneOf("none", "stretch", "flow", "bisect", "trisect")),
		"background_style":   may(colour()),
		"action":             may(link),
		"columns":            must(list(column)),
	}),
	"form": common.with(layout).with(object{
		"name":     must(filled),
		"elements": must(components),
	}),
	"collapsible_panel": common.with(layout).with(object{
		"expanded":         may(boolean),
		"background_color": may(colour()),
		"border":           may(object{"color": may(colour()), "corner_radius": may(radius)}.rule),
		"header": must(object{
			"title":            may(text(0, "plain_text", "markdown")),
			"background_color": may(colour()),
			"vertical_align":   may(vertical),
			"padding":          may(sides(0)),
			"position":         may(oneOf("top", "bottom")),
			"width":            may(oneOf("fill", "auto", "auto_when_fold")),
			"icon":             may(icon.with(object{"size": may(sides(0))}).rule),
			"icon_position":    may(oneOf("left", "right", "follow_text")),

			"icon_expanded_angle": may(number(-180, 180)),
		}.rule),
		"elements": may(components),
	}),
	"interactive_container": common.with(layout).with(object{
		"width":            may(length(16, 999, "fill", "auto")),
		"height":           may(length(10, 999, "auto")),
		"background_style": may(colour("laser")),
		"has_border":       may(boolean),
		"border_color":     may(colour()),
		"corner_radius":    may(radius),
		"behaviors":        must(behaviors(true)),
		"disabled":         may(boolean),
		"disabled_tips":    may(plain(0)),
		"hover_tips":       may(plain(0)),
		"confirm":          may(confirm),
		"elements":         must(components),
	}),

	// …/interactive-components/*
	"button": common.with(object{
		"type": may(oneOf("default", "primary", "danger", "text", "primary_text", "danger_text",
			"primary_filled", "danger_filled", "laser")),
		"size":             may(oneOf("tiny", "small", "medium", "large")),
		"width":            may(fieldWidth),
		"text":             may(plain(MaxButtonText)),
		"icon":             may(icon.rule),
		"hover_tips":       may(plain(0)),
		"disabled":         may(boolean),
		"disabled_tips":    may(plain(0)),
		"confirm":          may(confirm),
		"behaviors":        may(behaviors(true)),
		"name":             may(filled),
		"form_action_type": may(oneOf("submit", "reset")),
	}),
	"overflow": common.with(object{
		"width": may(fieldWidth),
		"options": must(list(object{
			"text": may(plain(MaxOverflowText)), "multi_url": may(multiURL.rule), "value": may(str(0)),
		}.rule)),
		"behaviors": may(behaviors(false)),
		"confirm":   may(confirm),
		"value":     may(anything),
	}),
	"input": field.with(object{
		"default_value":      may(str(0)),
		"i18n_default_value": may(inLanguages(str(0))),
		"max_length":         may(whole(1, MaxInput)),
		"input_type":         may(oneOf("text", "multiline_text", "password")),
		"rows":               may(whole(1, endless)),
		"auto_resize":        may(boolean),
		"max_rows":           may(whole(1, endless)),
		"show_icon":          may(boolean),
		"disabled_tips":      may(plain(0)),
		"label":              may(plain(0)),
		"label_position":     may(oneOf("top", "left")),
	}),
	"select_static": choice.with(object{
		"options":        may(list(option)),
		"initial_option": may(str(0)),
		"initial_index":  may(whole(0, endless)),
	}),
	"multi_select_static": choice.with(object{
		"options": may(list(option)), "selected_values": may(list(filled)),
	}),
	"select_person": choice.with(object{
		"options": may(list(person)), "initial_option": may(str(0)),
	}),
	"multi_select_person": choice.with(object{
		"options": may(list(person)), "selected_values": may(list(filled)),
	}),
	"date_picker":     field.with(object{"initial_date": may(like("yyyy-MM-dd", regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)))}),
	"picker_time":     field.with(object{"initial_time": may(like("HH:mm", regexp.MustCompile(`^\d\d:\d\d$`)))}),
	"picker_datetime": field.with(object{"initial_datetime": may(like("yyyy-MM-dd HH:mm", regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d$`)))}),
	"checker": common.with(object{
		"name":              may(filled),
		"checked":           may(boolean),
		"text":              may(styled),
		"overall_checkable": may(boolean),
		"button_area": may(object{
			"pc_display_rule": may(oneOf("always", "on_hover")),
			"buttons":         may(listUpTo(MaxCheckerButtons, component)),
		}.rule),
		"checked_style": may(object{"show_strikethrough": may(boolean), "opacity": may(number(0, 1))}.rule),
		"padding":       may(sides(-99)),
		"confirm":       may(confirm),
		"behaviors":     may(behaviors(false)),
		"hover_tips":    may(plain(0)),
		"disabled":      may(boolean),
		"disabled_tips": may(plain(0)),
	}),
}

// columnObject is a column. …/containers/column-set; that it knows no corner_radius was
// seen by larksuite's own command line tool ("200621 unknown property").
var columnObject = common.with(layout).with(object{
	"background_style": may(colour()),
	"width":            may(length(16, 600, "auto", "weighted")),
	"weight":           may(whole(MinWeight, MaxWeight)),
	"action":           may(link),
	"elements":         may(components),
})

// Components returns the properties that the components know, by tag.
func Components() map[string][]string {
	all := map[string][]string{"column": names(columnObject)}
	for tag, o := range known {
		all[tag] = names(o)
	}
	return all
}
