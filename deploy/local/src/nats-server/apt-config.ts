import { join } from 'node:path'

/** The folders that `aptConfig` names, to be made below the same folder. */
export const APT_FOLDERS = ['state/lists/partial', 'cache/archives/partial', 'log'] as const

/**
 * An apt configuration (apt.conf(5)) that reads the system's sources and keys, writes below `folder` alone, and runs
 * none of the hooks that some systems attach to an update.
 */
export function aptConfig(folder: string): string {
  const path = (name: string) => JSON.stringify(join(folder, name))
  return `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State ${path('state')};
Dir::State::lists ${path('state/lists')};
Dir::State::status ${path('state/status')};
Dir::Cache ${path('cache')};
Dir::Cache::archives ${path('cache/archives')};
Dir::Log ${path('log')};
// root's apt would fetch as the user _apt, who may not enter this folder.
APT::Sandbox::User "root";
Acquire::Languages "none";
// Without it an update that reached no source counts as a success.
APT::Update::Error-Mode "any";
`
}
