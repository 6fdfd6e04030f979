// Package highlevel describes HighLevel as data: its API 2021 (the dated
// versions), its webhooks and how calls to it are authorised.
//
// catalogue.txt holds the operations, types and triggers. It is made by
// cmd/catalog from the vendor's public documents, names.txt and
// corrections.txt, and never edited by hand.
package highlevel
