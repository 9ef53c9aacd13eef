import { stat } from 'node:fs/promises'
import { execa } from 'execa'
import { StartError } from '../start-error.ts'

interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/** The way to start a program so that it runs as the right user. */
export interface RunAs {
  /** Absent: as the caller. */
  readonly user?: SystemUser
  /** Returns the command with its arguments, wrapped in a helper program where one is needed. */
  command(program: string, args: readonly string[]): { command: string; args: readonly string[] }
  /** The user to spawn the command's process as; absent where the helper program changes the user. */
  readonly spawnAs?: SystemUser
}

/**
 * PostgreSQL refuses to run as root. For root it runs as the owner of its folder or, if that is root too, as the
 * system's `postgres`, else `nobody`. Everybody else runs it as themselves.
 *
 * That user may not be able to enter the folders above (`/root`, or what `mktemp -d` makes). Then setpriv(1) gives
 * PostgreSQL the capability to do so, instead of opening those folders to everybody.
 * @throws StartError `folder_unusable` when the folder is another user's, or cannot be entered
 */
export async function runAs(dataDir: string, programs: readonly string[]): Promise<RunAs> {
  const me = process.getuid?.() ?? 0
  const owner = await stat(dataDir)
  if (me !== 0) {
    if (owner.uid === me) return { command: plain }
    throw new StartError(
      'folder_unusable',
      `${dataDir} belongs to another user (${owner.uid}): run this as that user, or choose another folder with SLUICE_DATA_DIR.`,
    )
  }
  const user = owner.uid === 0 ? await unprivilegedUser() : { uid: owner.uid, gid: owner.gid }
  if (await canRead(user, dataDir, programs)) return { user, spawnAs: user, command: plain }
  if (!(await succeeds('setpriv', [...CAPABILITIES, 'true']))) {
    throw new StartError(
      'folder_unusable',
      `PostgreSQL does not run as root, and its user (${user.uid}) may not enter ${dataDir}: run this as another user, or from a folder that everybody may enter.`,
    )
  }
  const options = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...CAPABILITIES]
  return { user, command: (program, args) => ({ command: 'setpriv', args: [...options, '--', program, ...args] }) }
}

const CAPABILITIES = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'] as const

const plain: RunAs['command'] = (command, args) => ({ command, args })

async function unprivilegedUser(): Promise<SystemUser> {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([id('-u', name), id('-g', name)])
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new StartError(
    'tool_missing',
    'PostgreSQL does not run as root, and there is no user postgres or nobody: add one.',
  )
}

async function id(option: '-u' | '-g', name: string): Promise<number | undefined> {
  const { failed, stdout } = await execa('id', [option, name], { reject: false })
  return failed ? undefined : Number(stdout)
}

/** `dataDir` itself is the user's, or about to be: reaching it is enough. */
function canRead(user: SystemUser, dataDir: string, programs: readonly string[]): Promise<boolean> {
  const script = 'test -e "$1" && shift && for program; do test -r "$program" || exit 1; done'
  return succeeds('sh', ['-c', script, 'sh', dataDir, ...programs], user)
}

async function succeeds(command: string, args: readonly string[], user?: SystemUser): Promise<boolean> {
  return !(await execa(command, args, { reject: false, ...user })).failed
}
