package config

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
)

// decodeValue decodes a value by the type of into. It reports false if the value
// does not fit.
func (f *File) decodeValue(into any, value *yaml.Node) bool {
	switch list := into.(type) {
	case *[]string:
		return decodeList(list, value)
	case *[]netip.Prefix:
		return decodeNetworks(list, value)
	}
	text, isText := yamltext.Text(value)
	if !isText {
		return false
	}
	var err error
	switch into := into.(type) {
	case *string:
		*into = text
	case *bool:
		*into, err = strconv.ParseBool(cmp.Or(text, "false"))
	case *int:
		number, problem := yamltext.Number(cmp.Or(text, "0"))
		whole, isWhole := number.(int)
		*into = whole
		return problem == "" && isWhole
	case *time.Duration:
		*into, err = f.parseDuration(text)
	case *time.Time:
		*into, err = parseTime(text)
	case **time.Location:
		*into, err = time.LoadLocation(text)
	}
	return err == nil
}

// decodeList decodes a list of texts, or one text with commas between its items.
func decodeList(list *[]string, value *yaml.Node) bool {
	if text, isText := yamltext.Text(value); isText {
		if *list = nil; text != "" {
			*list = strings.Split(text, ",")
		}
		return true
	}
	*list = make([]string, 0, len(value.Content))
	for _, item := range value.Content {
		text, isText := yamltext.Text(item)
		if !isText {
			return false
		}
		*list = append(*list, text)
	}
	return value.Kind == yaml.SequenceNode
}

// decodeNetworks decodes a list of networks. An address is a network of one.
func decodeNetworks(networks *[]netip.Prefix, value *yaml.Node) bool {
	var texts []string
	if !decodeList(&texts, value) {
		return false
	}
	*networks = nil
	for _, text := range texts {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if at, wrong := netip.ParseAddr(text); wrong == nil {
			network, err = at.Unmap().WithZone("").Prefix(at.Unmap().BitLen())
		}
		if err != nil {
			return false
		}
		if at := network.Addr(); at.Is4In6() && network.Bits() >= 96 { // as senders' addresses are compared
			network = netip.PrefixFrom(at.Unmap(), network.Bits()-96)
		}
		*networks = append(*networks, network.Masked())
	}
	return true
}

// parseDuration reads a length of time as Go writes it and as scripts do: 20s, 1h30m,
// "30 days".
func (f *File) parseDuration(text string) (time.Duration, error) {
	if text == "off" {
		return Off, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	return f.rules.ParseDuration(text)
}

// parseTime reads a date, which means midnight in UTC, or a time, in the forms of
// RFC 3339 and YAML.
func parseTime(text string) (t time.Time, err error) {
	for _, layout := range []string{"2006-1-2", time.RFC3339, "2006-1-2T15:4:5Z07:00", "2006-1-2t15:4:5Z07:00", "2006-1-2 15:4:5"} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}
