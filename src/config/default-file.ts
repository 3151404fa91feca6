/** Where the configuration is read from, unless `--config` or the environment says otherwise. */
export const DEFAULT_CONFIG_FILE = '/etc/orchestrator-update/update_config.yaml';
