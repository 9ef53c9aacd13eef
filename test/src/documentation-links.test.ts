import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root })
  .toString()
  .trim()
  .split('\n')
  .filter((document) => existsSync(join(root, document)))

it('every relative link in the documentation leads to an existing file and heading', () => {
  const broken = documents.flatMap((document) =>
    linksOf(read(document)).flatMap((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? document : join(dirname(document), decodeURI(path))
      if (!existsSync(join(root, target))) return [`${document}: ${link}`]
      if (anchor === undefined || !target.endsWith('.md')) return []
      return anchorsOf(read(target)).includes(anchor) ? [] : [`${document}: ${link}`]
    }),
  )
  expect(broken).toEqual([])
})

function read(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

/** Returns the targets of inline and reference links that stay in the repository. */
function linksOf(markdown: string): string[] {
  const text = markdown.replace(/^```.*?^```/gms, '')
  const inline = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
  const references = [...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)]
  return [...inline, ...references].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target))
}

/** Returns the anchors of a document's headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}
