package main

import (
	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/connect"
)

func vaultCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "vault",
		Short: "Change the key of the vault, which stores credentials",
		Long: `The vault is a folder of the data folder. It has one file a connection,
encrypted with age. Its key is in a file beside them that you alone can read;
vault_key in tidewire.yaml, or TIDEWIRE_VAULT_KEY, sets another place: "keyring" for
the keyring of the operating system, or the key itself.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(vaultRotate(t))
	return c
}

func vaultRotate(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var old string
	var lost bool
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Encrypt everything in the vault under a new key",
		Long: `Make a new key and encrypt everything under it. A crash at any moment leaves a
vault that opens; what was begun is finished by itself, or by rotating again.

Set vault_key to "keyring" first to move the key there, or take it out to move
the key into a file. Where vault_key holds the key itself, put a new one there
(age-keygen makes one) and name a file with the present one: --old-key FILE.

If the key is lost, --lost sets aside what it encrypted and begins with a new key;
each connection is then to be connected again. Copies of the data folder that
were made before stay readable with the old key.`,
	}
	c.RunE = withConnector(t, folder, func(c *cobra.Command, _ []string, connector *connect.Connector) error {
		done, err := connector.RotateVault(c.Context(), old, lost)
		if err != nil {
			return err
		}
		printf(t.out, "%d connections are encrypted under a new key, which is in %s\n", len(done.Names), done.KeyLocation)
		if len(done.Lost) > 0 {
			printf(t.out, "what no key opens was set aside in %s; connect again:\n", done.AsideFolder)
			for _, name := range done.Lost {
				printf(t.out, "  tidewire connect %s\n", name)
			}
		}
		return nil
	})
	folder.addDir(c.Flags())
	c.Flags().StringVar(&old, "old-key", "", "file with the key that opens the vault now")
	c.Flags().BoolVar(&lost, "lost", false, "give up what no key opens: set it aside")
	return c
}
