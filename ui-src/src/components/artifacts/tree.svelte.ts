import type { ArtifactSource, FileInfo } from '../../api/mlflow';
import { baseName } from '../../lib/format';
import { compareNames } from '../../lib/order';
import { isAbort } from '../../api/error';

/** A folder or file in the tree. A root has the empty path and a label of its own. */
export interface TreeNode {
  id: string;
  label: string;
  path: string;
  folder: boolean;
  size: number | undefined;
  depth: number;
  source: ArtifactSource;
  parent: TreeNode | undefined;
}

export interface TreeRoot {
  id: string;
  label: string;
  source: ArtifactSource;
}

/** The open folders of one or more artifact roots, read one folder at a time. */
export class ArtifactTreeState {
  roots = $state.raw<TreeNode[]>([]);
  #children = $state.raw<ReadonlyMap<string, TreeNode[]>>(new Map());
  open = $state.raw<ReadonlySet<string>>(new Set());
  errors = $state.raw<ReadonlyMap<string, unknown>>(new Map());
  /** Top to bottom, as drawn. */
  visible = $derived(this.roots.flatMap((root) => this.#unfold(root)));

  constructor(roots: TreeRoot[]) {
    this.setRoots(roots);
  }

  /** Changes the roots; folders that stay keep their state. New roots open themselves. */
  setRoots(roots: TreeRoot[]): void {
    const known = new Map(this.roots.map((root) => [root.id, root]));
    this.roots = roots.map(
      ({ id, label, source }) =>
        known.get(id) ?? { id, label, source, path: '', folder: true, size: undefined, depth: 0, parent: undefined },
    );
    for (const root of this.roots) if (!known.has(root.id)) void this.expand(root);
  }

  children(node: TreeNode): TreeNode[] | undefined {
    return this.#children.get(node.id);
  }

  async expand(node: TreeNode): Promise<void> {
    if (!node.folder) return;
    this.open = new Set([...this.open, node.id]);
    if (!this.#children.has(node.id)) await this.#read(node);
  }

  collapse(node: TreeNode): void {
    this.open = new Set([...this.open].filter((id) => id !== node.id));
  }

  toggle(node: TreeNode): void {
    if (this.open.has(node.id)) this.collapse(node);
    else void this.expand(node);
  }

  /** Reads every open folder again. */
  async refresh(): Promise<void> {
    await Promise.all(this.visible.filter((node) => node.folder && this.open.has(node.id)).map((node) => this.#read(node)));
  }

  async #read(node: TreeNode): Promise<void> {
    const errors = new Map(this.errors);
    try {
      const files = await node.source.list(node.path);
      const children = files.map((file) => child(node, file)).sort(foldersFirst);
      this.#children = new Map(this.#children).set(node.id, children);
      errors.delete(node.id);
    } catch (error) {
      if (isAbort(error)) return;
      errors.set(node.id, error);
    }
    this.errors = errors;
  }

  #unfold(node: TreeNode): TreeNode[] {
    if (!this.open.has(node.id)) return [node];
    return [node, ...(this.#children.get(node.id) ?? []).flatMap((each) => this.#unfold(each))];
  }
}

function child(parent: TreeNode, file: FileInfo): TreeNode {
  return {
    id: `${parent.id}/${baseName(file.path)}`,
    label: baseName(file.path),
    path: file.path,
    folder: file.is_dir,
    size: file.is_dir ? undefined : (file.file_size ?? 0),
    depth: parent.depth + 1,
    source: parent.source,
    parent,
  };
}

const foldersFirst = (a: TreeNode, b: TreeNode): number =>
  Number(b.folder) - Number(a.folder) || compareNames(a.label, b.label);
