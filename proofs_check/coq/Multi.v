(* Sums over several indices and the second moments of random tables, for statements that have them.

   1. Laws: what a theorem's file says of a random table of indicators.
   2. Texts as data, and what they mean.
   3. Normal forms: sums of scalars times nested sums of products of entries; every such sum is a scalar of its own.
   4. Expectations, by the moments of one and of two indicators.
   5. Signs at every index.
   6. What a theorem's file applies.
   7. Random tables with finitely many outcomes, for instances. *)

From Coq Require Import Reals Lra Lia List ZArith QArith Qreals Bool PeanoNat.
From Compth Require Import Compth.
Import ListNotations.
Open Scope R_scope.

(* ---- 1. laws ------------------------------------------------------------------------------------------------- *)

Definition within (ns c : list nat) : Prop := Forall2 (fun n i => (i < n)%nat) ns c.
(* A random table u of numbers, u c in the cell c: E is its expectation, p c that of u c, pair c d that of u c * u d. *)
Definition moments (ns : list nat) (p : list nat -> R) (pair : list nat -> list nat -> R)
    (E : ((list nat -> R) -> R) -> R) : Prop :=
  (forall f g, E (fun u => f u + g u) = E f + E g) /\ (forall c f, E (fun u => c * f u) = c * E f)
  /\ (forall f g, (forall u, f u = g u) -> E f = E g) /\ E (fun _ => 1) = 1
  /\ (forall c, within ns c -> E (fun u => u c) = p c)
  /\ forall c d, within ns c -> within ns d -> E (fun u => u c * u d) = pair c d.
Definition same_cell (c d : list nat) : bool := if list_eq_dec Nat.eq_dec c d then true else false.
(* independent indicators: u c * u c = u c *)
Definition apart (p : list nat -> R) (c d : list nat) : R := if same_cell c d then p c else p c * p d.
(* N cards are dealt at random, q of them to each hand. One hand: u j = 1 where it has the card j; several hands:
   u i j = 1 where the hand i has the card j, and a card is in one hand at most. *)
Definition dealt (N q : R) (c d : list nat) : R :=
  match c, d with
  | [j], [l] => if Nat.eqb j l then q / N else q * (q - 1) / N / (N - 1)
  | [i; j], [k; l] =>
    if Nat.eqb i k then (if Nat.eqb j l then q / N else q * (q - 1) / N / (N - 1))
    else (if Nat.eqb j l then 0 else q * q / N / (N - 1))
  | _, _ => 0
  end.
Definition table1 (u : nat -> R) (c : list nat) : R := match c with [i] => u i | _ => 0 end.
Definition table2 (u : nat -> nat -> R) (c : list nat) : R := match c with [i; j] => u i j | _ => 0 end.
Definition table3 (u : nat -> nat -> nat -> R) (c : list nat) : R := match c with [i; j; k] => u i j k | _ => 0 end.
Definition coins1 (n : nat) (p : nat -> R) (E : ((nat -> R) -> R) -> R) : Prop :=
  moments [n] (table1 p) (apart (table1 p)) (fun f => E (fun u => f (table1 u))).
Definition coins2 (n m : nat) (p : nat -> nat -> R) (E : ((nat -> nat -> R) -> R) -> R) : Prop :=
  moments [n; m] (table2 p) (apart (table2 p)) (fun f => E (fun u => f (table2 u))).
Definition coins3 (n m k : nat) (p : nat -> nat -> nat -> R) (E : ((nat -> nat -> nat -> R) -> R) -> R) : Prop :=
  moments [n; m; k] (table3 p) (apart (table3 p)) (fun f => E (fun u => f (table3 u))).
Definition deal1 (n : nat) (q : R) (E : ((nat -> R) -> R) -> R) : Prop :=
  moments [n] (fun _ => q / INR n) (dealt (INR n) q) (fun f => E (fun u => f (table1 u))).
Definition deal2 (n m : nat) (q : R) (E : ((nat -> nat -> R) -> R) -> R) : Prop :=
  moments [n; m] (fun _ => q / INR m) (dealt (INR m) q) (fun f => E (fun u => f (table2 u))).

(* ---- 2. texts as data ---------------------------------------------------------------------------------------- *)

(* MA a l: the entry of the array a at the indices l; MU l: the indicator there. Index 0 is that of the innermost sum. *)
Inductive mx :=
| MS (e : sx) | MA (a : nat) (l : list nat) | MU (l : list nat)
| MAdd (a b : mx) | MSub (a b : mx) | MMul (a b : mx) | MPow (a : mx) (n : nat) | MSum (s : nat) (b : mx).
Fixpoint mx_eqb (a b : mx) : bool :=
  match a, b with
  | MS e, MS f => sx_eqb e f
  | MA x l, MA y k => Nat.eqb x y && same_cell l k
  | MU l, MU k => same_cell l k
  | MAdd a a', MAdd b b' | MSub a a', MSub b b' | MMul a a', MMul b b' => mx_eqb a b && mx_eqb a' b'
  | MPow a n, MPow b m => Nat.eqb n m && mx_eqb a b
  | MSum s a, MSum r b => Nat.eqb s r && mx_eqb a b
  | _, _ => false
  end.
Lemma same_cell_eq c d : same_cell c d = true -> c = d.
Proof. unfold same_cell; destruct (list_eq_dec Nat.eq_dec c d); [auto | discriminate]. Qed.
Lemma mx_eqb_eq a : forall b, mx_eqb a b = true -> a = b.
Proof.
  induction a; intros b E; destruct b; try discriminate E; simpl in E;
    repeat match goal with E : _ && _ = true |- _ => apply andb_prop in E; destruct E end;
    repeat match goal with E : Nat.eqb _ _ = true |- _ => apply Nat.eqb_eq in E; subst
                         | E : same_cell _ _ = true |- _ => apply same_cell_eq in E; subst
                         | E : sx_eqb _ _ = true |- _ => apply sx_eqb_eq in E; subst end;
    f_equal; auto.
Qed.

(* (array, indices); the indicator where there is no array *)
Definition factor : Type := option nat * list nat.
Definition key : Type := list nat * list factor. (* the sorts of the sums, outermost first; what is summed *)
Definition term : Type := sx * list nat * list factor.
Definition at_ (r l : list nat) : list nat := map (fun k => nth k r O) l.

Section Sums.
Variables (szs : list nat) (arrs : list (list nat -> R)).
Definition msize (s : nat) : nat := nth s szs O.
Definition marr (a : nat) : list nat -> R := nth a arrs (fun _ => 0).
Definition fval (u : list nat -> R) (r : list nat) (f : factor) : R :=
  match f with (Some a, l) => marr a (at_ r l) | (None, l) => u (at_ r l) end.
Fixpoint fprod (u : list nat -> R) (r : list nat) (fs : list factor) : R :=
  match fs with [] => 1 | f :: rest => fval u r f * fprod u r rest end.
Fixpoint nsum (bs : list nat) (f : list nat -> R) (r : list nat) : R :=
  match bs with [] => f r | s :: rest => sum (msize s) (fun i => nsum rest f (i :: r)) end.
Definition nobody (l : list nat) : R := 0.
Definition key_value (k : key) : R := nsum (fst k) (fun r => fprod nobody r (snd k)) [].

(* -- nested sums -- *)
Definition fits (g r : list nat) : Prop := Forall2 (fun s i => (i < msize s)%nat) g r.
Lemma fits_length g r : fits g r -> length r = length g.
Proof. intro A; induction A; simpl; congruence. Qed.
Lemma fits_nth g r k s : fits g r -> nth_error g k = Some s -> (nth k r O < msize s)%nat.
Proof.
  intro A; revert k; induction A; intros [| k] E; simpl in *; try discriminate; [now injection E as <- | now apply IHA].
Qed.
Lemma nsum_two bs f g : forall r z, (forall x, fits (rev bs) x -> f (x ++ r) = g (x ++ z)) -> nsum bs f r = nsum bs g z.
Proof.
  induction bs as [| s bs IH]; simpl; intros r z A; [exact (A [] (Forall2_nil _)) |].
  apply sum_ext; intros i L; apply IH; intros x X.
  specialize (A (x ++ [i])); rewrite <- !app_assoc in A; apply A; apply Forall2_app; [exact X | now repeat constructor].
Qed.
Lemma nsum_ext bs f g r : (forall x, fits (rev bs) x -> f (x ++ r) = g (x ++ r)) -> nsum bs f r = nsum bs g r.
Proof. apply nsum_two. Qed.
Lemma nsum_app bs ds f r : nsum (bs ++ ds) f r = nsum bs (nsum ds f) r.
Proof. revert r; induction bs as [| s bs IH]; simpl; intro r; [reflexivity |]; apply sum_ext; intros i _; apply IH. Qed.
Lemma nsum_scal bs c f : forall r, nsum bs (fun r => c * f r) r = c * nsum bs f r.
Proof. induction bs as [| s bs IH]; simpl; intro r; [reflexivity |]; rewrite <- sum_scal; apply sum_ext; intros; apply IH. Qed.
Lemma nsum_pos bs f r : (forall x, fits (rev bs) x -> 0 <= f (x ++ r)) -> 0 <= nsum bs f r.
Proof.
  revert r; induction bs as [| s bs IH]; simpl; intros r A; [exact (A [] (Forall2_nil _)) |].
  apply sum_pos; intros i L; apply IH; intros x X; specialize (A (x ++ [i])); rewrite <- app_assoc in A.
  apply A; apply Forall2_app; [exact X | now repeat constructor].
Qed.

(* -- indices moved -- *)
Definition moved (m : nat -> nat) (fs : list factor) : list factor := map (fun f => (fst f, map m (snd f))) fs.
Lemma at_moved r z m l : (forall k, In k l -> nth (m k) r O = nth k z O) -> at_ r (map m l) = at_ z l.
Proof. intro A; unfold at_; rewrite map_map; apply map_ext_in; exact A. Qed.
Lemma fprod_moved u r z m fs : (forall f k, In f fs -> In k (snd f) -> nth (m k) r O = nth k z O) ->
  fprod u r (moved m fs) = fprod u z fs.
Proof.
  induction fs as [| [a l] fs IH]; simpl; intro A; [reflexivity |]; rewrite IH by (intros f k F; apply A; now right); f_equal.
  unfold fval; simpl; rewrite (at_moved r z m l); [reflexivity |]; intros k K; apply (A (a, l)); [now left | exact K].
Qed.
Definition lift (c n k : nat) : nat := if Nat.ltb k c then k else (k + n)%nat.
Lemma lift_ok a b r k : nth (lift (length a) (length b) k) (a ++ b ++ r) O = nth k (a ++ r) O.
Proof.
  unfold lift; destruct (Nat.ltb_spec k (length a)).
  - now rewrite !app_nth1.
  - rewrite !app_nth2 by lia; f_equal; lia.
Qed.
Lemma fprod_app u r fs gs : fprod u r (fs ++ gs) = fprod u r fs * fprod u r gs.
Proof. induction fs as [| f fs IH]; simpl; [ring | rewrite IH; ring]. Qed.

Variable sc : list R.
Definition val (e : sx) : R := @sden trivial sc [] [] e.
Fixpoint mden (u : list nat -> R) (r : list nat) (t : mx) : R :=
  match t with
  | MS e => val e
  | MA a l => marr a (at_ r l)
  | MU l => u (at_ r l)
  | MAdd a b => mden u r a + mden u r b
  | MSub a b => mden u r a - mden u r b
  | MMul a b => mden u r a * mden u r b
  | MPow a n => mden u r a ^ n
  | MSum s b => sum (msize s) (fun i => mden u (i :: r) b)
  end.

(* ---- 3. normal forms ----------------------------------------------------------------------------------------- *)

Definition tval (u : list nat -> R) (r : list nat) (t : term) : R :=
  let '(c, bs, fs) := t in val c * nsum bs (fun r => fprod u r fs) r.
Fixpoint pval (u : list nat -> R) (r : list nat) (l : list term) : R :=
  match l with [] => 0 | t :: rest => tval u r t + pval u r rest end.
Definition pneg (l : list term) : list term := map (fun '(c, bs, fs) => (SNeg c, bs, fs)) l.
Definition tmul (t s : term) : term :=
  let '(c, bs, fs) := t in let '(d, ds, gs) := s in
  (SMul c d, bs ++ ds, moved (lift 0 (length ds)) fs ++ moved (lift (length ds) (length bs)) gs).
Definition pmul (l m : list term) : list term := flat_map (fun t => map (tmul t) m) l.
Fixpoint ppow (l : list term) (n : nat) : list term := match n with O => [(SC 1, [], [])] | S k => pmul l (ppow l k) end.
Fixpoint mnorm (t : mx) : list term :=
  match t with
  | MS e => [(e, [], [])]
  | MA a l => [(SC 1, [], [(Some a, l)])]
  | MU l => [(SC 1, [], [(None, l)])]
  | MAdd a b => mnorm a ++ mnorm b
  | MSub a b => mnorm a ++ pneg (mnorm b)
  | MMul a b => pmul (mnorm a) (mnorm b)
  | MPow a n => ppow (mnorm a) n
  | MSum s b => map (fun '(c, bs, fs) => (c, s :: bs, fs)) (mnorm b)
  end.
Lemma pval_app u r l m : pval u r (l ++ m) = pval u r l + pval u r m.
Proof. induction l as [| t l IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma pneg_ok u r l : pval u r (pneg l) = - pval u r l.
Proof. induction l as [| [[c bs] fs] l IH]; simpl; [ring | rewrite IH; unfold val; simpl; ring]. Qed.
Lemma tmul_ok u r t s : tval u r (tmul t s) = tval u r t * tval u r s.
Proof.
  destruct t as [[c bs] fs], s as [[d ds] gs]; simpl; rewrite nsum_app.
  transitivity (val c * val d * nsum bs (fun z => fprod u z fs * nsum ds (fun y => fprod u y gs) r) r).
  - change (val (SMul c d)) with (val c * val d); f_equal; apply nsum_ext; intros x X; rewrite <- nsum_scal.
    apply nsum_two; intros y Y; rewrite fprod_app; f_equal.
    + transitivity (fprod u (x ++ r) fs); [| reflexivity].
      apply fprod_moved; intros f k _ _; apply fits_length in Y; rewrite rev_length in Y.
      rewrite <- Y; exact (lift_ok [] y (x ++ r) k).
    + apply fprod_moved; intros f k _ _; apply fits_length in X, Y; rewrite rev_length in X, Y.
      rewrite <- X, <- Y; apply lift_ok.
  - rewrite (nsum_ext bs _ (fun z => nsum ds (fun y => fprod u y gs) r * fprod u z fs)) by (intros; ring).
    rewrite nsum_scal; ring.
Qed.
Lemma pmul_ok u r l m : pval u r (pmul l m) = pval u r l * pval u r m.
Proof.
  induction l as [| t l IH]; simpl; [ring |]; rewrite pval_app, IH.
  assert (E : pval u r (map (tmul t) m) = tval u r t * pval u r m).
  { clear; induction m as [| s m IH]; simpl; [ring | rewrite IH, tmul_ok; ring]. }
  rewrite E; ring.
Qed.
Lemma mnorm_ok u t : forall r, pval u r (mnorm t) = mden u r t.
Proof.
  induction t; intro r; simpl.
  - ring.
  - unfold val; simpl; ring.
  - unfold val; simpl; ring.
  - now rewrite pval_app, IHt1, IHt2.
  - rewrite pval_app, pneg_ok, IHt1, IHt2; ring.
  - now rewrite pmul_ok, IHt1, IHt2.
  - rewrite <- IHt; generalize (mnorm t); intro l; clear; induction n; simpl; [unfold val; simpl; ring | now rewrite pmul_ok, IHn].
  - rewrite (sum_ext _ _ (fun i => pval u (i :: r) (mnorm t))) by (intros; now rewrite IHt).
    generalize (mnorm t); intro l; clear; induction l as [| [[c bs] fs] l IH]; simpl; [symmetry; apply sum_zero |].
    rewrite IH, sum_add, sum_scal; reflexivity.
Qed.

(* -- a sum over nothing that is used is the size; sums change places -- *)
Definition split_at (c : nat) (bs : list nat) : option (list nat * nat * list nat) :=
  let k := (length bs - S c)%nat in
  match skipn k bs with
  | s :: post => if Nat.eqb (length post) c then Some (firstn k bs, s, post) else None
  | [] => None
  end.
Lemma split_at_ok c bs pre s post : split_at c bs = Some (pre, s, post) -> bs = pre ++ s :: post /\ length post = c.
Proof.
  unfold split_at; destruct (skipn (length bs - S c) bs) as [| t p] eqn:E; [discriminate |].
  destruct (Nat.eqb_spec (length p) c) as [L | _]; [| discriminate]; intro A; injection A as <- <- <-.
  split; [rewrite <- E; symmetry; apply firstn_skipn | exact L].
Qed.
Variable szx : list sx.
Hypothesis Hsizes : forall s, INR (msize s) = val (nth s szx (SC 0)).
Definition unused (c : nat) (fs : list factor) : bool := forallb (fun f => forallb (fun k => negb (Nat.eqb k c)) (snd f)) fs.
Definition down (c k : nat) : nat := if Nat.ltb k c then k else pred k.
Lemma down_ok c x i (r : list nat) k : length x = c -> k <> c -> nth (down c k) (x ++ r) O = nth k (x ++ i :: r) O.
Proof.
  intros L N; unfold down; destruct (Nat.ltb_spec k c); [now rewrite !app_nth1 by lia |].
  rewrite !app_nth2 by lia; replace (k - length x)%nat with (S (pred k - length x)) by lia; reflexivity.
Qed.
Fixpoint drop_from (c : nat) (t : term) : term :=
  let '(co, bs, fs) := t in
  let t' := match split_at c bs with
            | Some (pre, s, post) =>
              if unused c fs then (SMul co (nth s szx (SC 0)), pre ++ post, moved (down c) fs) else t
            | None => t
            end in
  match c with O => t' | S k => drop_from k t' end.
Lemma unused_ok c fs f k : unused c fs = true -> In f fs -> In k (snd f) -> k <> c.
Proof.
  unfold unused; rewrite forallb_forall; intros A F K; specialize (A f F); rewrite forallb_forall in A.
  specialize (A k K); now destruct (Nat.eqb_spec k c).
Qed.
Lemma drop_one c co bs fs pre s post : split_at c bs = Some (pre, s, post) -> unused c fs = true ->
  tval nobody [] (SMul co (nth s szx (SC 0)), pre ++ post, moved (down c) fs) = tval nobody [] (co, bs, fs).
Proof.
  intros A U; apply split_at_ok in A; destruct A as [-> L]; simpl; rewrite !nsum_app.
  change (val (SMul co ?z)) with (val co * val z); rewrite <- Hsizes, Rmult_assoc; f_equal; rewrite <- nsum_scal.
  apply nsum_ext; intros x X; simpl; rewrite <- sum_const; apply sum_ext; intros i I; apply nsum_two; intros y Y.
  apply fprod_moved; intros f k F K; apply fits_length in Y; rewrite rev_length, L in Y.
  apply down_ok; [exact Y | exact (unused_ok _ _ _ _ U F K)].
Qed.
Lemma drop_from_ok c : forall t, tval nobody [] (drop_from c t) = tval nobody [] t.
Proof.
  induction c as [| c IH]; intros [[co bs] fs]; cbn [drop_from]; [| rewrite IH];
    (destruct (split_at _ bs) as [[[pre s] post] |] eqn:E; [| reflexivity]; destruct (unused _ fs) eqn:U; [| reflexivity];
     now apply drop_one).
Qed.
Definition swapped (c k : nat) : nat := if Nat.eqb k c then S c else if Nat.eqb k (S c) then c else k.
Definition swap (c : nat) (k : key) : key :=
  let '(bs, fs) := k in
  match split_at c bs with
  | Some (pre, t, post) =>
    match rev pre with
    | s :: rest => (rev rest ++ t :: s :: post, moved (swapped c) fs)
    | [] => k
    end
  | None => k
  end.
Lemma swap_ok c k : key_value (swap c k) = key_value k.
Proof.
  destruct k as [bs fs]; unfold swap; destruct (split_at c bs) as [[[pre t] post] |] eqn:E; [| reflexivity].
  destruct (rev pre) as [| s rest] eqn:R; [reflexivity |]; apply split_at_ok in E; destruct E as [-> L].
  assert (Q : pre = rev rest ++ [s]) by (rewrite <- (rev_involutive pre), R; reflexivity); rewrite Q.
  unfold key_value; cbn [fst snd]; rewrite <- app_assoc; cbn [List.app]; rewrite !nsum_app; apply nsum_ext; intros x X; simpl.
  rewrite sum_swap; apply sum_ext; intros i I; apply sum_ext; intros j J; apply nsum_two; intros y Y.
  apply fprod_moved; intros f k F K; apply fits_length in Y; rewrite rev_length, L in Y.
  unfold swapped; destruct (Nat.eqb_spec k c) as [-> | N1]; [| destruct (Nat.eqb_spec k (S c)) as [-> | N2]].
  - rewrite !app_nth2 by lia; rewrite Y; replace (S c - c)%nat with 1%nat by lia; replace (c - c)%nat with O by lia; reflexivity.
  - rewrite !app_nth2 by lia; rewrite Y; replace (S c - c)%nat with 1%nat by lia; replace (c - c)%nat with O by lia; reflexivity.
  - destruct (Nat.lt_ge_cases k c); [now rewrite !app_nth1 by lia |]; rewrite !app_nth2 by lia.
    replace (k - length y)%nat with (S (S (k - length y - 2))) by lia; reflexivity.
Qed.

(* -- the same product in another order -- *)
Definition factor_eqb (f g : factor) : bool :=
  match f, g with
  | (Some a, l), (Some b, k) => Nat.eqb a b && same_cell l k
  | (None, l), (None, k) => same_cell l k
  | _, _ => false
  end.
Lemma factor_eqb_eq f g : factor_eqb f g = true -> f = g.
Proof.
  destruct f as [[a |] l], g as [[b |] k]; simpl; intro E; try discriminate.
  - apply andb_prop in E; destruct E as [E F]; apply Nat.eqb_eq in E; apply same_cell_eq in F; now subst.
  - apply same_cell_eq in E; now subst.
Qed.
Fixpoint without (f : factor) (gs : list factor) : option (list factor) :=
  match gs with
  | [] => None
  | g :: rest => if factor_eqb f g then Some rest else match without f rest with Some l => Some (g :: l) | None => None end
  end.
Fixpoint alike (fs gs : list factor) : bool :=
  match fs with
  | [] => match gs with [] => true | _ => false end
  | f :: rest => match without f gs with Some l => alike rest l | None => false end
  end.
Lemma without_ok u r f gs l : without f gs = Some l -> fprod u r gs = fval u r f * fprod u r l.
Proof.
  revert l; induction gs as [| g gs IH]; simpl; intros l E; [discriminate |].
  destruct (factor_eqb f g) eqn:T; [apply factor_eqb_eq in T; subst; now injection E as <- |].
  destruct (without f gs); [| discriminate]; injection E as <-; simpl; rewrite (IH _ eq_refl); ring.
Qed.
Lemma alike_ok u r fs : forall gs, alike fs gs = true -> fprod u r fs = fprod u r gs.
Proof.
  induction fs as [| f fs IH]; simpl; intros gs E; [destruct gs; [reflexivity | discriminate] |].
  destruct (without f gs) eqn:W; [| discriminate]; now rewrite (without_ok _ _ _ _ _ W), (IH _ E).
Qed.
Definition key_like (k h : key) : bool := same_cell (fst k) (fst h) && alike (snd k) (snd h).
Lemma key_like_ok k h : key_like k h = true -> key_value k = key_value h.
Proof.
  unfold key_like, key_value; intro E; apply andb_prop in E; destruct E as [E F]; apply same_cell_eq in E; rewrite E.
  apply nsum_ext; intros; now apply alike_ok.
Qed.

(* -- sums that share no index are factors -- *)
Definition inner_factor (m : nat) (f : factor) : bool := forallb (fun k => Nat.ltb k m) (snd f).
Definition outer_factor (m : nat) (f : factor) : bool := forallb (fun k => Nat.leb m k) (snd f).
Definition halves (p : nat) (k : key) : option (key * key) :=
  let '(bs, fs) := k in
  let m := length (skipn p bs) in
  if forallb (fun f => inner_factor m f || outer_factor m f) fs then
    Some ((firstn p bs, moved (fun i => i - m)%nat (filter (fun f => negb (inner_factor m f)) fs)),
          (skipn p bs, filter (inner_factor m) fs))
  else None.
Lemma fprod_filter u r (q : factor -> bool) fs : fprod u r fs = fprod u r (filter q fs) * fprod u r (filter (fun f => negb (q f)) fs).
Proof. induction fs as [| f fs IH]; simpl; [ring |]; rewrite IH; destruct (q f); simpl; ring. Qed.
Lemma fprod_same u r z fs : (forall f k, In f fs -> In k (snd f) -> nth k r O = nth k z O) -> fprod u r fs = fprod u z fs.
Proof.
  intro A; rewrite <- (fprod_moved u r z (fun k => k) fs A); f_equal; unfold moved; symmetry; rewrite <- (map_id fs) at 2.
  apply map_ext; intros [a l]; simpl; now rewrite map_id.
Qed.
Lemma halves_ok p k a b : halves p k = Some (a, b) -> key_value k = key_value a * key_value b.
Proof.
  destruct k as [bs fs]; unfold halves; set (m := length (skipn p bs)).
  destruct (forallb _ fs) eqn:A; [| discriminate]; intro E; injection E as <- <-; unfold key_value; cbn [fst snd].
  rewrite <- (firstn_skipn p bs) at 1; rewrite nsum_app.
  set (B := nsum (skipn p bs) (fun r => fprod nobody r (filter (inner_factor m) fs)) []).
  rewrite (Rmult_comm _ B), <- nsum_scal; apply nsum_ext; intros x X; rewrite app_nil_r.
  rewrite (Rmult_comm B); unfold B; rewrite <- nsum_scal; apply nsum_two; intros y Y; rewrite app_nil_r.
  apply fits_length in Y; rewrite rev_length in Y; fold m in Y; rewrite (fprod_filter _ _ (inner_factor m)), Rmult_comm; f_equal.
  - symmetry; apply fprod_moved; intros f i F I; apply filter_In in F; destruct F as [F N].
    rewrite forallb_forall in A; specialize (A f F); apply negb_true_iff in N; rewrite N in A; simpl in A.
    unfold outer_factor in A; rewrite forallb_forall in A; specialize (A i I); apply Nat.leb_le in A.
    rewrite app_nth2 by lia; f_equal; lia.
  - apply fprod_same; intros f i F I; apply filter_In in F; destruct F as [_ N].
    unfold inner_factor in N; rewrite forallb_forall in N; specialize (N i I); apply Nat.ltb_lt in N; now rewrite app_nth1 by lia.
Qed.
Fixpoint first_half (p : nat) (k : key) : option (key * key) :=
  match p with
  | O => None
  | S q => match halves p k with Some s => Some s | None => first_half q k end
  end.
Lemma first_half_ok p k a b : first_half p k = Some (a, b) -> key_value k = key_value a * key_value b.
Proof.
  induction p as [| p IH]; cbn [first_half]; [discriminate |]; destruct (halves (S p) k) as [[c d] |] eqn:E; [| exact IH].
  intro A; injection A as <- <-; exact (halves_ok _ _ _ _ E).
Qed.
Fixpoint factors (fuel : nat) (k : key) : list key :=
  match fuel with
  | O => [k]
  | S n => match first_half (pred (length (fst k))) k with Some (a, b) => factors n a ++ factors n b | None => [k] end
  end.
Fixpoint keys_product (l : list key) : R := match l with [] => 1 | k :: rest => key_value k * keys_product rest end.
Lemma keys_product_app l m : keys_product (l ++ m) = keys_product l * keys_product m.
Proof. induction l as [| k l IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma factors_ok fuel : forall k, keys_product (factors fuel k) = key_value k.
Proof.
  induction fuel as [| n IH]; intro k; cbn [factors]; [simpl; ring |].
  destruct (first_half (pred (length (fst k))) k) as [[a b] |] eqn:E; [| simpl; ring].
  now rewrite keys_product_app, !IH, (first_half_ok _ _ _ _ E).
Qed.

(* -- every sum is a scalar of its own: the place in a table, up to the order of its sums and factors -- *)
(* exchanges of neighbours that lead through all orders of up to four sums *)
Definition walk : list nat := [0; 1; 0; 1; 0; 1; 2; 1; 0; 2; 0; 1; 2; 0; 2; 1; 0; 2; 0; 1; 2; 0; 2; 1; 0; 2; 0; 1; 2]%nat.
Fixpoint place (k : key) (l : list key) (i : nat) : option nat :=
  match l with [] => None | h :: rest => if key_like k h then Some i else place k rest (S i) end.
Fixpoint lookup (ways : list nat) (l : list key) (k : key) : option nat :=
  match place k l 0 with
  | Some i => Some i
  | None => match ways with [] => None | c :: rest => lookup rest l (swap c k) end
  end.
Lemma place_ok k l i j : place k l i = Some j -> exists n, (j = i + n)%nat /\ exists h, nth_error l n = Some h /\ key_value k = key_value h.
Proof.
  revert i; induction l as [| h l IH]; simpl; intros i E; [discriminate |]; destruct (key_like k h) eqn:T.
  - injection E as <-; exists O; split; [lia |]; exists h; split; [reflexivity | now apply key_like_ok].
  - destruct (IH _ E) as (n & A & B); exists (S n); split; [lia | exact B].
Qed.
Lemma lookup_ok l : forall ways k i, lookup ways l k = Some i -> exists h, nth_error l i = Some h /\ key_value k = key_value h.
Proof.
  assert (P : forall k i, place k l 0 = Some i -> exists h, nth_error l i = Some h /\ key_value k = key_value h).
  { intros k i E; destruct (place_ok _ _ _ _ E) as (n & A & B); simpl in A; now subst. }
  induction ways as [| c ways IH]; simpl; intros k i E.
  - destruct (place k l 0) eqn:Q; [injection E as <-; now apply P | discriminate].
  - destruct (place k l 0) eqn:Q; [injection E as <-; now apply P |].
    destruct (IH _ _ E) as (h & A & B); exists h; split; [exact A | now rewrite <- B, swap_ok].
Qed.
Definition plain_factor (f : factor) : bool := match f with (Some _, _) => true | _ => false end.
Definition dropped (t : term) : term := let '(_, bs, _) := t in drop_from (length bs) t.
Variables (table : list key) (base : nat).
Hypothesis Htable : forall i h, nth_error table i = Some h -> val (SV (base + i)) = key_value h.
Fixpoint keys_form (l : list key) : option sx :=
  match l with
  | [] => Some (SC 1)
  | k :: rest => match lookup walk table k, keys_form rest with Some i, Some e => Some (SMul (SV (base + i)) e) | _, _ => None end
  end.
Definition term_form (t : term) : option sx :=
  let '(c, bs, fs) := dropped t in
  match bs, fs with
  | [], [] => Some c
  | _, _ => match keys_form (factors 2 (bs, fs)) with Some e => Some (SMul c e) | None => None end
  end.
Fixpoint form (l : list term) : option sx :=
  match l with
  | [] => Some (SC 0)
  | t :: rest => match term_form t, form rest with Some a, Some b => Some (SAdd a b) | _, _ => None end
  end.
Lemma keys_form_ok l : forall e, keys_form l = Some e -> keys_product l = val e.
Proof.
  induction l as [| k l IH]; cbn [keys_form keys_product]; intros e E; [injection E as <-; reflexivity |].
  destruct (lookup walk table k) as [i |] eqn:L; [| discriminate]; destruct (keys_form l); [| discriminate]; injection E as <-.
  apply lookup_ok in L; destruct L as (h & N & K); rewrite (IH _ eq_refl), K, <- (Htable _ _ N); reflexivity.
Qed.
Lemma term_form_ok t e : term_form t = Some e -> tval nobody [] t = val e.
Proof.
  unfold term_form; assert (D : tval nobody [] (dropped t) = tval nobody [] t) by (destruct t as [[c bs] fs]; apply drop_from_ok).
  rewrite <- D; destruct (dropped t) as [[c bs] fs]; clear D.
  assert (G : (match keys_form (factors 2 (bs, fs)) with Some e => Some (SMul c e) | None => None end) = Some e ->
    tval nobody [] (c, bs, fs) = val e).
  { destruct (keys_form _) as [k |] eqn:E; [| discriminate]; intro A; injection A as <-.
    apply keys_form_ok in E; rewrite factors_ok in E; change (val c * key_value (bs, fs) = val c * val k); now rewrite E. }
  destruct bs, fs; try exact G; intro A; injection A as <-; simpl; ring.
Qed.
Lemma form_ok l : forall e, form l = Some e -> pval nobody [] l = val e.
Proof.
  induction l as [| t l IH]; simpl; intros e E; [injection E as <-; reflexivity |].
  destruct (term_form t) eqn:T; [| discriminate]; destruct (form l); [| discriminate]; injection E as <-.
  rewrite (term_form_ok _ _ T), (IH _ eq_refl); reflexivity.
Qed.

(* ---- 4. expectations ----------------------------------------------------------------------------------------- *)

(* The chance of one indicator: sums of scalars times entries at its cell. *)
(* Marginal: of two indicators nothing is known but that a square of one is the one. *)
Inductive mlaw :=
| NoLaw | Marginal (sorts : list nat) (p : list (sx * list nat)) | Coins (sorts : list nat) (p : list (sx * list nat))
| Deal (sorts : list nat) (q invN inv1 : sx).
Definition sorts_of (w : mlaw) : list nat := match w with NoLaw => [] | Marginal s _ => s | Coins s _ => s | Deal s _ _ _ => s end.
Definition entries_at (l as_ : list nat) : list factor := map (fun a => (Some a, l)) as_.
(* scalars, entries, pairs of indices that are the same *)
Definition piece : Type := sx * list factor * list (nat * nat).
Definition single (w : mlaw) (l : list nat) : list piece :=
  match w with
  | NoLaw => []
  | Marginal _ p | Coins _ p => map (fun '(c, a) => (c, entries_at l a, [])) p
  | Deal _ q invN _ => [(SMul q invN, [], [])]
  end.
Definition couple (w : mlaw) (l k : list nat) : list piece :=
  match w with
  | NoLaw => []
  | Marginal _ p => map (fun '(c, a) => (c, entries_at l a, [])) p
  | Coins _ p =>
    let two := flat_map (fun '(c, a) => map (fun '(d, b) => (SMul c d, entries_at l a ++ entries_at k b)) p) p in
    map (fun '(c, fs) => (c, fs, [])) two ++ map (fun '(c, a) => (c, entries_at l a, combine l k)) p
      ++ map (fun '(c, fs) => (SNeg c, fs, combine l k)) two
  | Deal _ q invN inv1 =>
    let p := SMul q invN in
    let less := SMul (SMul q (SSub q (SC 1))) (SMul invN inv1) in
    let far := SMul (SMul q q) (SMul invN inv1) in
    match l, k with
    | [j], [m] => [(less, [], []); (SSub p less, [], [(j, m)])]
    | [i; j], [h; m] => [(far, [], []); (SSub less far, [], [(i, h)]); (SNeg far, [], [(j, m)]);
                         (SAdd (SSub p less) far, [], [(i, h); (j, m)])]
    | _, _ => []
    end
  end.
Definition told (w : mlaw) (l k : list nat) : bool := match w with Marginal _ _ => same_cell l k | _ => true end.
Definition delta (i j : nat) : R := if Nat.eqb i j then 1 else 0.
Fixpoint deltas (r : list nat) (l : list (nat * nat)) : R :=
  match l with [] => 1 | (a, b) :: rest => delta (nth a r O) (nth b r O) * deltas r rest end.
Definition piece_value (r : list nat) (p : piece) : R := let '(c, fs, eqs) := p in val c * fprod nobody r fs * deltas r eqs.
Fixpoint pieces_value (r : list nat) (l : list piece) : R :=
  match l with [] => 0 | p :: rest => piece_value r p + pieces_value r rest end.
Variables (ex : ((list nat -> R) -> R) -> R) (law : mlaw).
Definition lawfully : Prop :=
  (forall f g, ex (fun u => f u + g u) = ex f + ex g) /\ (forall c f, ex (fun u => c * f u) = c * ex f)
  /\ (forall f g, (forall u, f u = g u) -> ex f = ex g) /\ ex (fun _ => 1) = 1
  /\ (forall r l, within (map msize (sorts_of law)) (at_ r l) -> ex (fun u => u (at_ r l)) = pieces_value r (single law l))
  /\ forall r l k, told law l k = true -> within (map msize (sorts_of law)) (at_ r l) -> within (map msize (sorts_of law)) (at_ r k) ->
       ex (fun u => u (at_ r l) * u (at_ r k)) = pieces_value r (couple law l k).
Hypothesis Hlaw : lawfully.

(* the indicators of a product, and the rest of it *)
Fixpoint drawn_in (fs : list factor) : list (list nat) :=
  match fs with [] => [] | (None, l) :: rest => l :: drawn_in rest | _ :: rest => drawn_in rest end.
Definition still_in (fs : list factor) : list factor := filter plain_factor fs.
Fixpoint uprod (u : list nat -> R) (r : list nat) (ls : list (list nat)) : R :=
  match ls with [] => 1 | l :: rest => u (at_ r l) * uprod u r rest end.
Lemma parted u r fs : fprod u r fs = fprod nobody r (still_in fs) * uprod u r (drawn_in fs).
Proof. induction fs as [| [[a |] l] fs IH]; simpl; [ring | rewrite IH; ring | rewrite IH; ring]. Qed.
Definition typed (bs l : list nat) : bool :=
  Nat.eqb (length l) (length (sorts_of law))
  && forallb (fun '(k, s) => match nth_error (rev bs) k with Some t => Nat.eqb s t | None => false end) (combine l (sorts_of law)).
Lemma typed_ok bs l x : typed bs l = true -> fits (rev bs) x -> within (map msize (sorts_of law)) (at_ x l).
Proof.
  unfold typed; intros E X; apply andb_prop in E; destruct E as [L E]; apply Nat.eqb_eq in L.
  revert L E; generalize (sorts_of law); induction l as [| k l IH]; intros [| s ss] L E; try discriminate L; [constructor |].
  simpl in *; apply andb_prop in E; destruct E as [E F]; constructor; [| apply IH; [lia | exact F]].
  destruct (nth_error (rev bs) k) eqn:N; [| discriminate]; apply Nat.eqb_eq in E; subst; exact (fits_nth _ _ _ _ X N).
Qed.
(* an index that is the same as one further out *)
Definition put (c z k : nat) : nat := if Nat.eqb k c then z else down c k.
Fixpoint merge (bs : list nat) (fs : list factor) (eqs : list (nat * nat)) (fuel : nat) : option key :=
  match fuel, eqs with
  | _, [] => Some (bs, fs)
  | O, _ => None
  | S n, (a, b) :: rest =>
    if Nat.eqb a b then merge bs fs rest n
    else let lo := Nat.min a b in let hi := Nat.max a b in
      match split_at lo bs with
      | Some (pre, s, post) =>
        match nth_error (rev pre) (hi - S lo) with
        | Some t =>
          if Nat.eqb s t then
            merge (pre ++ post) (moved (put lo (pred hi)) fs) (map (fun '(x, y) => (put lo (pred hi) x, put lo (pred hi) y)) rest) n
          else None
        | None => None
        end
      | None => None
      end
  end.
Lemma delta_sym i j : delta i j = delta j i.
Proof. unfold delta; now rewrite Nat.eqb_sym. Qed.
Lemma sum_delta n j f : (j < n)%nat -> sum n (fun i => delta i j * f i) = f j.
Proof.
  intro L; induction n as [| n IH]; [lia |]; cbn [sum]; unfold delta at 2; destruct (Nat.eqb_spec n j) as [-> | N].
  - rewrite sum_null; [ring |]; intros i I; unfold delta; destruct (Nat.eqb_spec i j); [lia | ring].
  - rewrite IH by lia; ring.
Qed.
Lemma put_ok c z x r k : length x = c -> (c <= z)%nat -> nth (put c z k) (x ++ r) O = nth k (x ++ nth (z - c) r O :: r) O.
Proof.
  intros L Z; unfold put; destruct (Nat.eqb_spec k c) as [-> | N].
  - rewrite !app_nth2 by lia; rewrite L; replace (c - c)%nat with O by lia; reflexivity.
  - now apply down_ok.
Qed.
Lemma deltas_moved r z m l : (forall k, nth (m k) r O = nth k z O) -> deltas r (map (fun '(x, y) => (m x, m y)) l) = deltas z l.
Proof. intro A; induction l as [| [a b] l IH]; simpl; [reflexivity | now rewrite IH, !A]. Qed.
Lemma merge_ok fuel : forall bs fs eqs k, merge bs fs eqs fuel = Some k ->
  key_value k = nsum bs (fun r => fprod nobody r fs * deltas r eqs) [].
Proof.
  assert (Z : forall bs fs, key_value (bs, fs) = nsum bs (fun r => fprod nobody r fs * deltas r []) []).
  { intros; apply nsum_ext; intros; simpl; ring. }
  induction fuel as [| n IH]; intros bs fs [| [a b] rest] k E; cbn [merge] in E; try (injection E as <-; apply Z); [discriminate |].
  destruct (Nat.eqb_spec a b) as [-> | N].
  - rewrite (IH _ _ _ _ E); apply nsum_ext; intros x X; cbn [deltas]; unfold delta; rewrite Nat.eqb_refl; ring.
  - set (lo := Nat.min a b) in *; set (hi := Nat.max a b) in *.
    destruct (split_at lo bs) as [[[pre s] post] |] eqn:S; [| discriminate].
    destruct (nth_error (rev pre) (hi - Datatypes.S lo)) as [t |] eqn:T; [| discriminate].
    destruct (Nat.eqb_spec s t) as [-> | _]; [| discriminate]; rewrite (IH _ _ _ _ E); clear E IH Z.
    apply split_at_ok in S; destruct S as [-> L]; rewrite !nsum_app; apply nsum_ext; intros x X; rewrite !app_nil_r; cbn [nsum].
    pose (j := nth (pred hi - lo) x O).
    assert (J : (j < msize t)%nat).
    { unfold j; replace (pred hi - lo)%nat with (hi - Datatypes.S lo)%nat by lia; exact (fits_nth _ _ _ _ X T). }
    transitivity (nsum post (fun r => fprod nobody r fs * deltas r rest) (j :: x)).
    + apply nsum_two; intros y Y; apply fits_length in Y; rewrite rev_length, L in Y; f_equal.
      * apply fprod_moved; intros f i _ _; unfold j; apply put_ok; [exact Y | lia].
      * apply deltas_moved; intro i; unfold j; apply put_ok; [exact Y | lia].
    + rewrite <- (sum_delta _ j (fun i => nsum post (fun r => fprod nobody r fs * deltas r rest) (i :: x)) J).
      apply sum_ext; intros i I; rewrite <- nsum_scal; apply nsum_two; intros y Y; apply fits_length in Y; rewrite rev_length, L in Y.
      cbn [deltas].
      assert (D : delta (nth a (y ++ i :: x) O) (nth b (y ++ i :: x) O) = delta i j).
      { assert (Q : nth lo (y ++ i :: x) O = i) by (rewrite app_nth2 by lia; rewrite Y; replace (lo - lo)%nat with O by lia; reflexivity).
        assert (Q2 : nth hi (y ++ i :: x) O = j).
        { rewrite app_nth2 by lia; rewrite Y; replace (hi - lo)%nat with (Datatypes.S (pred hi - lo)) by lia; reflexivity. }
        destruct (Nat.le_gt_cases a b).
        - replace a with lo by lia; replace b with hi by lia; now rewrite Q, Q2.
        - replace b with lo by lia; replace a with hi by lia; rewrite Q, Q2; apply delta_sym. }
      rewrite D; ring.
Qed.
Fixpoint placed (c : sx) (bs : list nat) (fs : list factor) (l : list piece) : option (list term) :=
  match l with
  | [] => Some []
  | (d, gs, eqs) :: rest =>
    match merge bs (fs ++ gs) eqs (length eqs), placed c bs fs rest with
    | Some (ds, hs), Some more => Some ((SMul c d, ds, hs) :: more)
    | _, _ => None
    end
  end.
Lemma nsum_add bs f g : forall r, nsum bs (fun r => f r + g r) r = nsum bs f r + nsum bs g r.
Proof. induction bs as [| s bs IH]; simpl; intro r; [reflexivity |]; rewrite <- sum_add; apply sum_ext; intros; apply IH. Qed.
Lemma nsum_zero bs : forall r, nsum bs (fun _ => 0) r = 0.
Proof. induction bs as [| s bs IH]; simpl; intro r; [reflexivity |]; apply sum_null; intros; apply IH. Qed.
Lemma placed_ok c bs fs l : forall out, placed c bs fs l = Some out ->
  pval nobody [] out = val c * nsum bs (fun r => fprod nobody r fs * pieces_value r l) [].
Proof.
  induction l as [| [[d gs] eqs] l IH]; simpl; intros out E.
  - injection E as <-; simpl; rewrite (nsum_ext bs _ (fun _ => 0)) by (intros; ring); rewrite nsum_zero; ring.
  - destruct (merge bs (fs ++ gs) eqs (length eqs)) as [[ds hs] |] eqn:M; [| discriminate].
    destruct (placed c bs fs l); [| discriminate]; injection E as <-; simpl; rewrite (IH _ eq_refl).
    change (nsum ds (fun r => fprod nobody r hs) []) with (key_value (ds, hs)); rewrite (merge_ok _ _ _ _ _ M).
    change (val (SMul c d)) with (val c * val d).
    rewrite (nsum_ext bs (fun r => fprod nobody r fs * (_ + _))
      (fun r => val d * (fprod nobody r (fs ++ gs) * deltas r eqs) + fprod nobody r fs * pieces_value r l)).
    + rewrite nsum_add, nsum_scal; ring.
    + intros; rewrite fprod_app; ring.
Qed.
Definition expected (t : term) : option (list term) :=
  let '(c, bs, fs) := t in
  match drawn_in fs with
  | [] => Some [t]
  | [l] => if typed bs l then placed c bs (still_in fs) (single law l) else None
  | [l; k] => if told law l k && (typed bs l && typed bs k) then placed c bs (still_in fs) (couple law l k) else None
  | _ => None
  end.
Lemma ex_nsum bs (f : (list nat -> R) -> list nat -> R) : forall r, ex (fun u => nsum bs (f u) r) = nsum bs (fun r => ex (fun u => f u r)) r.
Proof.
  destruct Hlaw as (A & S & X & O & _).
  assert (Z : ex (fun _ => 0) = 0) by (transitivity (ex (fun _ => 0 * 1)); [apply X; intro; ring | rewrite S; ring]).
  assert (G : forall n (h : (list nat -> R) -> nat -> R), ex (fun u => sum n (h u)) = sum n (fun i => ex (fun u => h u i))).
  { induction n as [| n IH]; intro h; simpl; [exact Z | now rewrite (A (fun u => sum n (h u)) (fun u => h u n)), IH]. }
  induction bs as [| s bs IH]; simpl; intro r; [reflexivity |].
  rewrite (G _ (fun u i => nsum bs (f u) (i :: r))); apply sum_ext; intros; apply IH.
Qed.
Lemma still_nothing u r fs : drawn_in fs = [] -> fprod u r fs = fprod nobody r fs.
Proof. intro E; now rewrite (parted u r fs), (parted nobody r fs), E. Qed.
Lemma expected_ok t out : expected t = Some out -> ex (fun u => tval u [] t) = pval nobody [] out.
Proof.
  destruct t as [[c bs] fs]; unfold expected; cbn [tval]; pose proof Hlaw as (A & S & X & O & M1 & M2); rewrite S.
  rewrite (ex_nsum bs (fun u r => fprod u r fs)).
  destruct (drawn_in fs) as [| l [| k [|]]] eqn:D; try discriminate; intro E.
  - injection E as <-; cbn [pval tval]; rewrite Rplus_0_r; f_equal; apply nsum_ext; intros x _.
    transitivity (ex (fun _ => fprod nobody (x ++ []) fs * 1)); [apply X; intro; rewrite (still_nothing _ _ _ D); ring | rewrite S, O; ring].
  - destruct (typed bs l) eqn:T; [| discriminate]; rewrite (placed_ok _ _ _ _ _ E); f_equal; apply nsum_ext; intros x F; rewrite app_nil_r.
    transitivity (ex (fun u => fprod nobody x (still_in fs) * u (at_ x l))).
    + apply X; intro u; rewrite parted, D; simpl; ring.
    + rewrite S; f_equal; apply M1; exact (typed_ok _ _ _ T F).
  - destruct (told law l k && (typed bs l && typed bs k)) eqn:T; [| discriminate]; apply andb_prop in T; destruct T as [T0 T].
    apply andb_prop in T; destruct T as [T1 T2].
    rewrite (placed_ok _ _ _ _ _ E); f_equal; apply nsum_ext; intros x F; rewrite app_nil_r.
    transitivity (ex (fun u => fprod nobody x (still_in fs) * (u (at_ x l) * u (at_ x k)))).
    + apply X; intro u; rewrite parted, D; simpl; ring.
    + rewrite S; f_equal; apply M2; [exact T0 | exact (typed_ok _ _ _ T1 F) | exact (typed_ok _ _ _ T2 F)].
Qed.
Fixpoint expected_all (l : list term) : option (list term) :=
  match l with
  | [] => Some []
  | t :: rest => match expected t, expected_all rest with Some a, Some b => Some (a ++ b) | _, _ => None end
  end.
Lemma expected_all_ok l : forall out, expected_all l = Some out -> ex (fun u => pval u [] l) = pval nobody [] out.
Proof.
  pose proof Hlaw as (A & S & X & O & _); induction l as [| t l IH]; simpl; intros out E.
  - injection E as <-; transitivity (ex (fun _ => 0 * 1)); [apply X; intro; ring | rewrite S; simpl; ring].
  - destruct (expected t) eqn:T; [| discriminate]; destruct (expected_all l); [| discriminate]; injection E as <-.
    now rewrite A, pval_app, (expected_ok _ _ T), (IH _ eq_refl).
Qed.

(* ---- 5. signs at every index --------------------------------------------------------------------------------- *)

(* What holds at all indices: the sorts of its free indices, a <= b. *)
Definition hyp : Type := list nat * mx * mx.
Fixpoint scoped (n : nat) (t : mx) : bool :=
  match t with
  | MS _ => true
  | MA _ l | MU l => forallb (fun k => Nat.ltb k n) l
  | MAdd a b | MSub a b | MMul a b => scoped n a && scoped n b
  | MPow a _ => scoped n a
  | MSum _ b => scoped (S n) b
  end.
Definition holds_everywhere (h : hyp) : Prop :=
  let '(g, a, b) := h in forall r, fits g r -> mden nobody r a <= mden nobody r b.
Fixpoint all_everywhere (l : list hyp) : Prop := match l with [] => True | h :: rest => holds_everywhere h /\ all_everywhere rest end.
Fixpoint renamed (m : list nat) (t : mx) : mx :=
  match t with
  | MS e => MS e
  | MA a l => MA a (map (fun k => nth k m O) l)
  | MU l => MU (map (fun k => nth k m O) l)
  | MAdd a b => MAdd (renamed m a) (renamed m b)
  | MSub a b => MSub (renamed m a) (renamed m b)
  | MMul a b => MMul (renamed m a) (renamed m b)
  | MPow a n => MPow (renamed m a) n
  | MSum s b => MSum s (renamed (O :: map S m) b)
  end.
Lemma renamed_ok u t : forall m r, scoped (length m) t = true -> mden u r (renamed m t) = mden u (at_ r m) t.
Proof.
  assert (L : forall l m r, forallb (fun k => Nat.ltb k (length m)) l = true ->
    at_ r (map (fun k => nth k m O) l) = at_ (at_ r m) l).
  { intros l m r E; unfold at_; rewrite map_map; apply map_ext_in; intros k K; rewrite forallb_forall in E.
    specialize (E k K); apply Nat.ltb_lt in E; symmetry.
    rewrite (nth_indep _ O (nth O r O)) by (now rewrite map_length); exact (map_nth (fun k => nth k r O) m O k). }
  induction t; intros m r E; simpl in *; try (apply andb_prop in E; destruct E); try (now rewrite L by assumption);
    try (now rewrite IHt1, IHt2 by assumption); try reflexivity.
  - now rewrite IHt by assumption.
  - apply sum_ext; intros i _; rewrite IHt by (simpl; now rewrite map_length); f_equal; unfold at_; simpl; f_equal.
    rewrite map_map; reflexivity.
Qed.
(* all ways to take indices of these sorts *)
Fixpoint choices (g ss : list nat) : list (list nat) :=
  match ss with
  | [] => [[]]
  | s :: rest =>
    flat_map (fun k => match nth_error g k with
                       | Some t => if Nat.eqb s t then map (cons k) (choices g rest) else []
                       | None => [] end) (seq 0 (length g))
  end.
Lemma choices_ok g ss m r : fits g r -> In m (choices g ss) -> fits ss (at_ r m) /\ length m = length ss.
Proof.
  intro X; revert m; induction ss as [| s ss IH]; simpl; intros m I.
  - destruct I as [<- | []]; split; [constructor | reflexivity].
  - apply in_flat_map in I; destruct I as (k & _ & I); destruct (nth_error g k) eqn:N; [| contradiction].
    destruct (Nat.eqb_spec s n) as [-> | _]; [| contradiction]; apply in_map_iff in I; destruct I as (z & <- & Z).
    destruct (IH _ Z) as [A B]; split; [constructor; [exact (fits_nth _ _ _ _ X N) | exact A] | simpl; now rewrite B].
Qed.
Definition says (h : hyp) (g : list nat) (t : mx) : bool :=
  let '(ss, a, b) := h in
  scoped (length ss) a && scoped (length ss) b
  && existsb (fun m => mx_eqb t (MSub (renamed m b) (renamed m a))
                       || match a with MS (SC 0%Z) => mx_eqb t (renamed m b) | _ => false end) (choices g ss).
Lemma says_ok h g t r : holds_everywhere h -> fits g r -> says h g t = true -> 0 <= mden nobody r t.
Proof.
  destruct h as [[ss a] b]; simpl; intros A X E; apply andb_prop in E; destruct E as [E1 E]; apply andb_prop in E1; destruct E1 as [Sa Sb].
  apply existsb_exists in E; destruct E as (m & M & E); destruct (choices_ok _ _ _ _ X M) as [F L]; specialize (A _ F).
  apply orb_prop in E; destruct E as [E | E].
  - apply mx_eqb_eq in E; subst t; simpl; rewrite !renamed_ok by (now rewrite L); lra.
  - destruct a as [[[| |] | | | | | | | |] | | | | | | |]; try discriminate E; apply mx_eqb_eq in E; subst t.
    rewrite renamed_ok by (now rewrite L); exact A.
Qed.
Variables (facts : list rel) (hyps : list hyp).
Fixpoint nonnegative (g : list nat) (t : mx) : bool :=
  match t with
  | MS e => Nat.leb 1 (sgn facts e)
  | MAdd a b | MMul a b => nonnegative g a && nonnegative g b
  | MPow a n => Nat.even n || nonnegative g a
  | MSum s b => nonnegative (s :: g) b
  | _ => false
  end || existsb (fun h => says h g t) hyps.
Lemma nonnegative_ok : @all_hold trivial sc [] [] facts -> all_everywhere hyps ->
  forall t g r, fits g r -> nonnegative g t = true -> 0 <= mden nobody r t.
Proof.
  intros A B; assert (K : forall g t r, fits g r -> existsb (fun h => says h g t) hyps = true -> 0 <= mden nobody r t).
  { intros g t r X E; apply existsb_exists in E; destruct E as (h & I & E); apply (says_ok h g); auto; clear E X.
    clear -B I; induction hyps as [| k l IH]; simpl in *; [contradiction |]; destruct B as [B1 B2], I as [-> | I]; auto. }
  induction t; intros g r X E; cbn [nonnegative mden] in *;
    (apply orb_prop in E; destruct E as [E | E]; [| exact (K _ _ _ X E)]); try discriminate E;
    try (apply andb_prop in E; destruct E as [E1 E2]).
  - apply Nat.leb_le in E; destruct (@sgn_ok trivial sc [] [] facts A e) as [Q _]; exact (Q E).
  - apply Rplus_le_le_0_compat; eauto.
  - apply Rmult_le_pos; eauto.
  - apply orb_prop in E; destruct E as [E | E]; [now apply even_pow_pos | apply pow_le; eauto].
  - apply sum_pos; intros i I; apply (IHt (s :: g)); [now constructor | exact E].
Qed.
End Sums.

(* ---- 6. what a theorem's file applies ------------------------------------------------------------------------- *)

(* The sums that occur, each once. *)
Definition fresh_keys (szx : list sx) (terms : list term) (known : list key) : list key :=
  let more l k := match lookup walk l k with Some _ => l | None => l ++ [k] end in
  fold_left (fun l t =>
    let '(_, bs, fs) := dropped szx t in
    match bs, fs with [], [] => l | _, _ => fold_left more (factors 2 (bs, fs)) l end) terms known.
Definition terms_of (law : mlaw) (t : bool * mx) : option (list term) :=
  if fst t then expected_all law (mnorm (snd t)) else Some (mnorm (snd t)).
Definition keys_of (szx : list sx) (law : mlaw) (texts : list (bool * mx)) : list key :=
  fold_left (fun l t => match terms_of law t with Some ts => fresh_keys szx ts l | None => l end) texts [].
Definition text_form (szx : list sx) (law : mlaw) (table : list key) (base : nat) (t : bool * mx) : option sx :=
  match terms_of law t with Some ts => form szx table base ts | None => None end.
Definition formed (e : option sx) : sx := match e with Some e => e | None => SC 0 end.
Definition is_formed (e : option sx) : bool := match e with Some _ => true | None => false end.

Fixpoint sized (sc : list R) (szs : list nat) (szx : list sx) : Prop :=
  match szs, szx with
  | [], [] => True
  | n :: ns, e :: es => INR n = val sc e /\ sized sc ns es
  | _, _ => False
  end.
Lemma sized_ok sc szs szx : sized sc szs szx -> forall s, INR (msize szs s) = val sc (nth s szx (SC 0)).
Proof.
  revert szx; induction szs as [| n ns IH]; intros [| e es] A s; simpl in A; try contradiction.
  - destruct s; reflexivity.
  - destruct A as [A B], s as [| s]; [exact A | exact (IH _ B s)].
Qed.
(* the scalars: the given ones, then the sums *)
Definition with_sums (values : list R) (szs : list nat) (arrs : list (list nat -> R)) (table : list key) : list R :=
  values ++ map (key_value szs arrs) table.
Lemma with_sums_ok values szs arrs table i h : nth_error table i = Some h ->
  val (with_sums values szs arrs table) (SV (length values + i)) = key_value szs arrs h.
Proof.
  intro E; unfold val, with_sums; simpl; unfold sv; rewrite app_nth2 by lia.
  replace (length values + i - length values)%nat with i by lia.
  apply nth_error_nth; now apply map_nth_error.
Qed.
Theorem sum_named values szs szx arrs table law t e : let sc := with_sums values szs arrs table in
  sized sc szs szx -> text_form szx law table (length values) (false, t) = Some e -> mden szs arrs sc nobody [] t = val sc e.
Proof.
  intros sc Z E; unfold text_form in E; simpl in E; rewrite <- (mnorm_ok szs arrs sc).
  apply (form_ok szs arrs sc szx (sized_ok _ _ _ Z) table (length values)); [intros; now apply with_sums_ok | exact E].
Qed.
Theorem mean_named values szs szx arrs table law ex t e : let sc := with_sums values szs arrs table in
  sized sc szs szx -> lawfully szs arrs sc ex law ->
  text_form szx law table (length values) (true, t) = Some e -> ex (fun u => mden szs arrs sc u [] t) = val sc e.
Proof.
  intros sc Z W E; unfold text_form in E; cbn [terms_of fst snd] in E.
  destruct (expected_all law (mnorm t)) as [l |] eqn:X; [| discriminate].
  transitivity (ex (fun u => pval szs arrs sc u [] (mnorm t))).
  - destruct W as (_ & _ & W & _); apply W; intro u; symmetry; apply mnorm_ok.
  - rewrite (expected_all_ok szs arrs sc ex law W _ _ X).
    apply (form_ok szs arrs sc szx (sized_ok _ _ _ Z) table (length values)); [intros; now apply with_sums_ok | exact E].
Qed.
Theorem sum_nonnegative values szs arrs table facts hyps t : let sc := with_sums values szs arrs table in
  @all_hold trivial sc [] [] facts -> all_everywhere szs arrs sc hyps -> nonnegative facts hyps [] t = true ->
  0 <= mden szs arrs sc nobody [] t.
Proof. intros sc A B N; exact (nonnegative_ok szs arrs sc facts hyps A B t [] [] (Forall2_nil _) N). Qed.

(* laws as data *)
Fixpoint chance (sc : list R) (arrs : list (list nat -> R)) (p : list (sx * list nat)) (c : list nat) : R :=
  match p with
  | [] => 0
  | (e, l) :: rest => val sc e * fold_right (fun a x => marr arrs a c * x) 1 l + chance sc arrs rest c
  end.
Lemma entries_at_value arrs r l as_ : fprod arrs nobody r (entries_at l as_) = fold_right (fun a x => marr arrs a (at_ r l) * x) 1 as_.
Proof. induction as_ as [| a m IH]; simpl; [reflexivity | now rewrite IH]. Qed.
Lemma pieces_app arrs sc r l m : pieces_value arrs sc r (l ++ m) = pieces_value arrs sc r l + pieces_value arrs sc r m.
Proof. induction l as [| p l IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma deltas_combine r l : forall k, length l = length k -> deltas r (combine l k) = if same_cell (at_ r l) (at_ r k) then 1 else 0.
Proof.
  induction l as [| a l IH]; intros [| b k] L; try discriminate L; simpl in *.
  - reflexivity.
  - rewrite IH by lia; unfold delta, same_cell; destruct (Nat.eqb_spec (nth a r O) (nth b r O)) as [E | N].
    + rewrite E; destruct (list_eq_dec Nat.eq_dec (at_ r l) (at_ r k)) as [Q | Q];
        [rewrite Q | ]; destruct (list_eq_dec Nat.eq_dec _ _) as [Y | Y]; try ring; [contradiction Y; reflexivity | contradiction Q; now injection Y].
    + destruct (list_eq_dec Nat.eq_dec (nth a r O :: at_ r l) _) as [Y | Y]; [contradiction N; now injection Y | ring].
Qed.
Theorem coins_lawful szs arrs sc sorts pd p E :
  moments (map (msize szs) sorts) p (apart p) E ->
  (forall c, within (map (msize szs) sorts) c -> p c = chance sc arrs pd c) -> lawfully szs arrs sc E (Coins sorts pd).
Proof.
  intros (A & S & X & O & M1 & M2) C; repeat (split; [assumption |]); cbn [sorts_of single couple].
  assert (One : forall r l q, pieces_value arrs sc r (map (fun '(c, a) => (c, entries_at l a, q)) pd) = deltas r q * chance sc arrs pd (at_ r l)).
  { intros r l q; clear; induction pd as [| [e a] pd IH]; simpl; [ring | rewrite IH, entries_at_value; ring]. }
  split; [intros r l W; rewrite M1, (C _ W), One by assumption; simpl; ring |].
  intros r l k _ W V; rewrite M2 by assumption; rewrite !pieces_app, One.
  set (two := flat_map (fun '(c, a) => map (fun '(d, b) => (SMul c d, entries_at l a ++ entries_at k b)) pd) pd).
  assert (Two : forall (f : sx -> sx) (q : bool), (forall e, val sc (f e) = (if q then -1 else 1) * val sc e) -> forall eqs,
    pieces_value arrs sc r (map (fun '(c, fs) => (f c, fs, eqs)) two)
    = (if q then -1 else 1) * (deltas r eqs * (chance sc arrs pd (at_ r l) * chance sc arrs pd (at_ r k)))).
  { intros f q Q eqs; unfold two; clear - Q; generalize pd at 2 3; intro pc; induction pc as [| [e a] pc IH]; simpl; [ring |].
    rewrite map_app, pieces_app, IH; clear IH.
    assert (G : pieces_value arrs sc r (map (fun '(c, fs) => (f c, fs, eqs)) (map (fun '(d, b) => (SMul e d, entries_at l a ++ entries_at k b)) pd))
      = (if q then -1 else 1) * deltas r eqs * (val sc e * fold_right (fun a x => marr arrs a (at_ r l) * x) 1 a) * chance sc arrs pd (at_ r k)).
    { induction pd as [| [d b] pe IH]; simpl; [ring |]; rewrite IH, Q, fprod_app, !entries_at_value.
      change (val sc (SMul e d)) with (val sc e * val sc d); ring. }
    rewrite G; ring. }
  rewrite (Two (fun c => c) false) by (intro; ring); rewrite (Two SNeg true) by (intro; unfold val; simpl; ring).
  assert (L : length l = length k).
  { transitivity (length (at_ r l)); [unfold at_; now rewrite map_length |]; transitivity (length (at_ r k)); [| unfold at_; now rewrite map_length].
    clear - W V; revert V; generalize (at_ r k); induction W; intros z V; inversion V; subst; simpl; [reflexivity | f_equal; now apply IHW]. }
  rewrite deltas_combine by exact L; rewrite <- !C by assumption; unfold apart; cbn [deltas].
  destruct (same_cell (at_ r l) (at_ r k)) eqn:T; [apply same_cell_eq in T; rewrite T |]; ring.
Qed.
Lemma within_one n c : within [n] c -> exists i, c = [i] /\ (i < n)%nat.
Proof. intro W; inversion W as [| ? i ? d L V]; inversion V; subst; eauto. Qed.
Lemma within_two n m c : within [n; m] c -> exists i j, c = [i; j] /\ (i < n)%nat /\ (j < m)%nat.
Proof. intro W; inversion W as [| ? i ? d L V]; subst; apply within_one in V; destruct V as (j & -> & M); eauto 6. Qed.
Lemma within_three n m k c : within [n; m; k] c ->
  exists i j h, c = [i; j; h] /\ (i < n)%nat /\ (j < m)%nat /\ (h < k)%nat.
Proof. intro W; inversion W as [| ? i ? d L V]; subst; apply within_two in V; destruct V as (j & h & -> & M); eauto 8. Qed.
Theorem marginal_lawful szs arrs sc s pd p E :
  inclusion (msize szs s) p E -> (forall c, within [msize szs s] c -> table1 p c = chance sc arrs pd c) ->
  lawfully szs arrs sc (fun f => E (fun u => f (table1 u))) (Marginal [s] pd).
Proof.
  intros (A & S & X & O & M) C; repeat split; try (intros; apply A); try (intros; apply S); try (intros f g D; apply X; intro; apply D); try exact O.
  - intros r l W; cbn [sorts_of single map] in *; destruct (within_one _ _ W) as (i & Q & L); specialize (C _ W); rewrite Q in *.
    transitivity (chance sc arrs pd [i]); [rewrite <- C; simpl; rewrite (M i (fun t => t) L); ring |].
    rewrite <- Q; clear; induction pd as [| [e a] pd IH]; simpl; [reflexivity | rewrite IH, entries_at_value; ring].
  - intros r l k T W _; cbn [told sorts_of couple map] in *; apply same_cell_eq in T; subst k.
    destruct (within_one _ _ W) as (i & Q & L); specialize (C _ W); rewrite Q in *.
    transitivity (chance sc arrs pd [i]); [rewrite <- C; simpl; rewrite (M i (fun t => t * t) L); ring |].
    rewrite <- Q; clear; induction pd as [| [e a] pd IH]; simpl; [reflexivity | rewrite IH, entries_at_value; ring].
Qed.
(* every chance is what the data say *)
Ltac chances :=
  let cell := fresh "cell" in let inside := fresh "inside" in
  intros cell inside; simpl in inside;
  first [ destruct (within_one _ _ inside) as (? & -> & _) | destruct (within_two _ _ _ inside) as (? & ? & -> & _)
        | destruct (within_three _ _ _ _ inside) as (? & ? & ? & -> & _) ];
  cbn; unfold Rdiv; ring.
Theorem deal_lawful szs arrs sc sorts n qe ie oe q E : length sorts = 1%nat \/ length sorts = 2%nat ->
  moments (map (msize szs) sorts) (fun _ => q / INR n) (dealt (INR n) q) E ->
  val sc qe = q -> val sc ie = / INR n -> val sc oe = / (INR n - 1) -> lawfully szs arrs sc E (Deal sorts qe ie oe).
Proof.
  intros L (A & S & X & O & M1 & M2) Q I J; repeat (split; [assumption |]); cbn [sorts_of single couple].
  split; [intros r l W; rewrite M1 by assumption; simpl; change (val sc (SMul qe ie)) with (val sc qe * val sc ie); rewrite Q, I; unfold Rdiv; ring |].
  intros r l k _ W V; rewrite M2 by assumption.
  assert (D : forall a b, val sc (SMul a b) = val sc a * val sc b) by reflexivity.
  assert (D2 : forall a b, val sc (SSub a b) = val sc a - val sc b) by reflexivity.
  assert (D3 : forall a b, val sc (SAdd a b) = val sc a + val sc b) by reflexivity.
  assert (D4 : forall a, val sc (SNeg a) = - val sc a) by reflexivity.
  assert (D5 : val sc (SC 1) = 1) by reflexivity.
  destruct sorts as [| s [| t [| ? ?]]]; simpl in L; try (destruct L; discriminate); simpl in W, V.
  - destruct l as [| i [|]]; try solve [inversion W; subst; match goal with H : Forall2 _ [] _ |- _ => inversion H end | inversion W].
    destruct k as [| j [|]]; try solve [inversion V; subst; match goal with H : Forall2 _ [] _ |- _ => inversion H end | inversion V].
    cbn [dealt at_ map pieces_value piece_value deltas fprod]; unfold delta; rewrite ?D, ?D2, ?D, ?D2, ?D5, Q, I, J; unfold Rdiv.
    destruct (Nat.eqb _ _); ring.
  - destruct (within_two _ _ _ W) as (a & b & E1 & _), (within_two _ _ _ V) as (c & d & E2 & _).
    destruct l as [| i [| j [|]]]; try discriminate E1; destruct k as [| h [| m [|]]]; try discriminate E2.
    cbn [dealt at_ map pieces_value piece_value deltas fprod]; unfold delta.
    rewrite ?D3, ?D4, ?D2, ?D, ?D2, ?D, ?D2, ?D5, Q, I, J; unfold Rdiv.
    destruct (Nat.eqb (nth i r 0%nat) _), (Nat.eqb (nth j r 0%nat) _); ring.
Qed.

(* ---- 7. random tables with finitely many outcomes ------------------------------------------------------------- *)

(* an outcome: its probability, and the cells in which there is a 1 *)
Definition outcome : Type := Q * list (list nat).
Definition shows (cells : list (list nat)) (c : list nat) : bool := existsb (same_cell c) cells.
Fixpoint weighted (l : list outcome) (f : (list nat -> R) -> R) : R :=
  match l with [] => 0 | (q, cells) :: rest => Q2R q * f (fun c => if shows cells c then 1 else 0) + weighted rest f end.
Fixpoint q_weighted (l : list outcome) (f : list (list nat) -> bool) : Q :=
  match l with [] => 0%Q | (q, cells) :: rest => let x := q_weighted rest f in if f cells then Qred (Qplus q x) else x end.
Lemma Q2R_0 : Q2R 0 = 0.
Proof. unfold Q2R; simpl; ring. Qed.
Lemma Q2R_qred q : Q2R (Qred q) = Q2R q.
Proof. apply Qeq_eqR, Qred_correct. Qed.
Lemma q_weighted_ok l (f : list (list nat) -> bool) (g : (list nat -> R) -> R) : (forall cells, g (fun c => if shows cells c then 1 else 0) = if f cells then 1 else 0) ->
  weighted l g = Q2R (q_weighted l f).
Proof.
  intro A; induction l as [| [q cells] l IH]; cbn [weighted q_weighted]; [symmetry; apply Q2R_0 |]; rewrite A, IH.
  destruct (f cells); [rewrite Q2R_qred, Q2R_plus; ring | ring].
Qed.
Fixpoint all_cells (ns : list nat) : list (list nat) :=
  match ns with [] => [[]] | n :: rest => flat_map (fun i => map (cons i) (all_cells rest)) (seq 0 n) end.
Lemma all_cells_ok ns c : within ns c -> In c (all_cells ns).
Proof.
  intro W; induction W as [| n i ns c L W IH]; simpl; [now left |]; apply in_flat_map; exists i; split; [apply in_seq; lia |].
  now apply in_map.
Qed.
Definition q_moments (ns : list nat) (l : list outcome) (p : list nat -> Q) (pair : list nat -> list nat -> Q) : bool :=
  let cells := all_cells ns in
  Qeq_bool (q_weighted l (fun _ => true)) 1
  && forallb (fun c => Qeq_bool (q_weighted l (fun s => shows s c)) (p c)) cells
  && forallb (fun c => forallb (fun d => Qeq_bool (q_weighted l (fun s => shows s c && shows s d)) (pair c d)) cells) cells.
Theorem outcomes_moments ns l p pair qp qpair phi : q_moments ns l qp qpair = true ->
  (forall c, within ns c -> Q2R (qp c) = p c) ->
  (forall c d, within ns c -> within ns d -> Q2R (qpair c d) = pair c d) ->
  (forall u c, within ns c -> phi u c = u c) -> moments ns p pair (fun f => weighted l (fun u => f (phi u))).
Proof.
  unfold q_moments; intros E P1 P2 F; repeat (apply andb_prop in E; destruct E as [E ?]).
  unfold moments; repeat match goal with |- _ /\ _ => split end.
  - intros f g; clear; induction l as [| [q s] l IH]; simpl; [ring | rewrite IH; ring].
  - intros c f; clear; induction l as [| [q s] l IH]; simpl; [ring | rewrite IH; ring].
  - intros f g A; clear - A; induction l as [| [q s] l IH]; simpl; [reflexivity | now rewrite IH, A].
  - rewrite (q_weighted_ok _ (fun _ => true)) by reflexivity; apply Qeq_bool_iff, Qeq_eqR in E; rewrite E; unfold Q2R; simpl; field.
  - intros c W; rewrite (q_weighted_ok _ (fun s => shows s c)) by (intro; now apply F).
    rewrite forallb_forall in H0; specialize (H0 _ (all_cells_ok _ _ W)); apply Qeq_bool_iff, Qeq_eqR in H0; now rewrite H0, P1.
  - intros c d W V; rewrite (q_weighted_ok _ (fun s => shows s c && shows s d)).
    + rewrite forallb_forall in H; specialize (H _ (all_cells_ok _ _ W)); rewrite forallb_forall in H.
      specialize (H _ (all_cells_ok _ _ V)); apply Qeq_bool_iff, Qeq_eqR in H; now rewrite H, P2.
    + intro s; rewrite !F by assumption; destruct (shows s c), (shows s d); simpl; ring.
Qed.
Definition q_apart (p : list nat -> Q) (c d : list nat) : Q := if same_cell c d then p c else (p c * p d)%Q.
Lemma q_apart_ok ns qp p : (forall c, within ns c -> Q2R (qp c) = p c) ->
  forall c d, within ns c -> within ns d -> Q2R (q_apart qp c d) = apart p c d.
Proof. intros A c d W V; unfold q_apart, apart; destruct (same_cell c d); [now apply A | now rewrite Q2R_mult, !A]. Qed.
Definition q_dealt (N q : Q) (c d : list nat) : Q :=
  match c, d with
  | [j], [l] => if Nat.eqb j l then q * / N else q * (q - 1) * / N * / (N - 1)
  | [i; j], [k; l] =>
    if Nat.eqb i k then (if Nat.eqb j l then q * / N else q * (q - 1) * / N * / (N - 1))
    else (if Nat.eqb j l then 0 else q * q * / N * / (N - 1))
  | _, _ => 0
  end%Q.
Lemma q_dealt_ok N q c d : Qeq_bool N 0 = false -> Qeq_bool (N - 1) 0 = false -> Q2R (q_dealt N q c d) = dealt (Q2R N) (Q2R q) c d.
Proof.
  intros A B; apply Qeq_bool_neq in A, B; assert (O : Q2R 1 = 1) by (unfold Q2R; simpl; field).
  unfold q_dealt, dealt, Rdiv; destruct c as [| i [| j [|]]]; try exact Q2R_0; destruct d as [| k [| l [|]]]; try exact Q2R_0.
  - destruct (Nat.eqb i k); rewrite ?Q2R_mult, ?Q2R_inv, ?Q2R_minus, ?O by assumption; reflexivity.
  - destruct (Nat.eqb i k), (Nat.eqb j l); try exact Q2R_0; rewrite ?Q2R_mult, ?Q2R_inv, ?Q2R_minus, ?O by assumption; reflexivity.
Qed.

Definition qtable1 (t : list Q) (c : list nat) : Q := match c with [i] => nth i t 0%Q | _ => 0%Q end.
Definition qtable2 (t : list (list Q)) (c : list nat) : Q := match c with [i; j] => nth j (nth i t []) 0%Q | _ => 0%Q end.
Definition qtable3 (t : list (list (list Q))) (c : list nat) : Q :=
  match c with [i; j; k] => nth k (nth j (nth i t []) []) 0%Q | _ => 0%Q end.
Theorem coins1_outcomes n p l t : q_moments [n] l (qtable1 t) (q_apart (qtable1 t)) = true ->
  (forall i, (i < n)%nat -> Q2R (nth i t 0%Q) = p i) -> coins1 n p (fun f => weighted l (fun u => f (fun i => u [i]))).
Proof.
  intros E A; assert (B : forall c, within [n] c -> Q2R (qtable1 t c) = table1 p c).
  { intros c W; destruct (within_one _ _ W) as (i & -> & L); exact (A i L). }
  apply (outcomes_moments [n] l _ _ _ _ (fun u => table1 (fun i => u [i])) E B (q_apart_ok _ _ _ B)).
  intros u c W; destruct (within_one _ _ W) as (i & -> & _); reflexivity.
Qed.
Theorem coins2_outcomes n m p l t : q_moments [n; m] l (qtable2 t) (q_apart (qtable2 t)) = true ->
  (forall i, (i < n)%nat -> forall j, (j < m)%nat -> Q2R (nth j (nth i t []) 0%Q) = p i j) ->
  coins2 n m p (fun f => weighted l (fun u => f (fun i j => u [i; j]))).
Proof.
  intros E A; assert (B : forall c, within [n; m] c -> Q2R (qtable2 t c) = table2 p c).
  { intros c W; destruct (within_two _ _ _ W) as (i & j & -> & L & M); exact (A i L j M). }
  apply (outcomes_moments [n; m] l _ _ _ _ (fun u => table2 (fun i j => u [i; j])) E B (q_apart_ok _ _ _ B)).
  intros u c W; destruct (within_two _ _ _ W) as (i & j & -> & _); reflexivity.
Qed.
Theorem coins3_outcomes n m k p l t : q_moments [n; m; k] l (qtable3 t) (q_apart (qtable3 t)) = true ->
  (forall i, (i < n)%nat -> forall j, (j < m)%nat -> forall h, (h < k)%nat -> Q2R (nth h (nth j (nth i t []) []) 0%Q) = p i j h) ->
  coins3 n m k p (fun f => weighted l (fun u => f (fun i j h => u [i; j; h]))).
Proof.
  intros E A; assert (B : forall c, within [n; m; k] c -> Q2R (qtable3 t c) = table3 p c).
  { intros c W; destruct (within_three _ _ _ _ W) as (i & j & h & -> & L & M & N); exact (A i L j M h N). }
  apply (outcomes_moments [n; m; k] l _ _ _ _ (fun u => table3 (fun i j h => u [i; j; h])) E B (q_apart_ok _ _ _ B)).
  intros u c W; destruct (within_three _ _ _ _ W) as (i & j & h & -> & _); reflexivity.
Qed.
Definition cards_ok (N : Q) : bool := negb (Qeq_bool N 0) && negb (Qeq_bool (N - 1) 0).
Lemma cards_dealt N q c d : cards_ok N = true -> Q2R (q_dealt N q c d) = dealt (Q2R N) (Q2R q) c d.
Proof. unfold cards_ok; intro E; apply andb_prop in E; destruct E as [A B]; apply q_dealt_ok; now apply negb_true_iff. Qed.
Lemma cards_share N q : cards_ok N = true -> Q2R (q * / N) = Q2R q / Q2R N.
Proof.
  unfold cards_ok; intro E; apply andb_prop in E; destruct E as [A _]; apply negb_true_iff, Qeq_bool_neq in A.
  now rewrite Q2R_mult, Q2R_inv.
Qed.
Theorem deal1_outcomes n q l N k : q_moments [n] l (fun _ => k * / N)%Q (q_dealt N k) && cards_ok N = true ->
  INR n = Q2R N -> q = Q2R k -> deal1 n q (fun f => weighted l (fun u => f (fun i => u [i]))).
Proof.
  intros E A ->; apply andb_prop in E; destruct E as [E C]; unfold deal1; rewrite A.
  apply (outcomes_moments [n] l _ _ _ _ (fun u => table1 (fun i => u [i])) E).
  - intros c _; now apply cards_share.
  - intros c d _ _; now apply cards_dealt.
  - intros u c W; destruct (within_one _ _ W) as (i & -> & _); reflexivity.
Qed.
Theorem deal2_outcomes n m q l N k : q_moments [n; m] l (fun _ => k * / N)%Q (q_dealt N k) && cards_ok N = true ->
  INR m = Q2R N -> q = Q2R k -> deal2 n m q (fun f => weighted l (fun u => f (fun i j => u [i; j]))).
Proof.
  intros E A ->; apply andb_prop in E; destruct E as [E C]; unfold deal2; rewrite A.
  apply (outcomes_moments [n; m] l _ _ _ _ (fun u => table2 (fun i j => u [i; j])) E).
  - intros c _; now apply cards_share.
  - intros c d _ _; now apply cards_dealt.
  - intros u c W; destruct (within_two _ _ _ W) as (i & j & -> & _); reflexivity.
Qed.
(* numerals at every index *)
Ltac each :=
  lazymatch goal with
  | |- forall i : nat, (i < _)%nat -> _ => let i := fresh "i" in let L := fresh "L" in intros i L; pick i
  | |- _ => cbv delta [order Q2R Qnum Qden] beta iota; cbn [nth sum INR Qnum Qden]; numeral
  end
with pick i := first [ exfalso; lia | destruct i as [| i]; [each | pick i] ].
(* a relation at all values of its indices, the innermost first *)
Definition hyp_at szs arrs sc (h : hyp) (r : list nat) : Prop :=
  let '(_, a, b) := h in mden szs arrs sc nobody r a <= mden szs arrs sc nobody r b.
Theorem every1 szs s (A : list nat -> Prop) : (forall i, (i < msize szs s)%nat -> A [i]) -> forall r, fits szs [s] r -> A r.
Proof. intros B r X; inversion X as [| ? i ? d L V]; inversion V; subst; now apply B. Qed.
Theorem every2 szs s t (A : list nat -> Prop) :
  (forall i, (i < msize szs s)%nat -> forall j, (j < msize szs t)%nat -> A [j; i]) -> forall r, fits szs [t; s] r -> A r.
Proof.
  intros B r X; inversion X as [| ? j ? d L V]; subst.
  exact (every1 szs s (fun d => A (j :: d)) (fun i I => B i I j L) d V).
Qed.
Theorem every3 szs s t w (A : list nat -> Prop) :
  (forall i, (i < msize szs s)%nat -> forall j, (j < msize szs t)%nat -> forall h, (h < msize szs w)%nat -> A [h; j; i]) ->
  forall r, fits szs [w; t; s] r -> A r.
Proof.
  intros B r X; inversion X as [| ? h ? d L V]; subst.
  exact (every2 szs s t (fun d => A (h :: d)) (fun i I j J => B i I j J h L) d V).
Qed.
