// Package highlevel describes HighLevel as data: its API in the dated versions
// and, as the edition v3, in the newer one, its webhooks and how calls to it
// are authorised.
//
// catalogue.txt has the operations, types and triggers, v3/catalogue.txt the
// operations and types of that edition. Both are made by cmd/catalog from
// the vendor's public documents, names.txt and corrections.txt, and never
// edited by hand.
package highlevel
