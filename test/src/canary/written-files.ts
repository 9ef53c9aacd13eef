import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What all files below `folder` hold, but for `except`: files and folders by their paths. */
export async function writtenFiles(folder: string, except: readonly string[]): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const searched = paths.filter((path) => !except.some((one) => path === one || path.startsWith(`${one}/`)))
  return Buffer.concat(await Promise.all(searched.map(contentOf)))
}

/** Nothing of a file that its server has removed meanwhile. */
async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
