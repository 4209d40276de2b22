(* Rational certificates of rates: one theorem for all of them.

   A step of a method is seen through blocks: vectors (the workers' means, their deviations from them), of which only inner
   products are seen, and numbers that are >= 0 (gaps of a function). A form is a rational matrix for each block. V is a
   combination of forms; `after` are the forms that their expectations one step later are; `known` are forms that are >= 0
   by what is assumed of functions and compressors. When, block by block, the matrices of

       rho V - E V+ - sum_k m_k known_k   and   V - scale normal

   are L D L' with D >= 0, and the multipliers m_k are >= 0, then E V+ <= rho V and V >= scale normal. *)

From Coq Require Import Reals Lra Lia List ZArith QArith Qreals Bool PeanoNat.
From Compth Require Import Compth.
Import ListNotations.
Open Scope R_scope.

(* block, row, column *)
Definition qform := nat -> nat -> nat -> Q.
Definition of_lists (f : list (list (list Q))) : qform := fun b i j => nth j (nth i (nth b f []) []) 0%Q.
Fixpoint mix (terms : list (Q * qform)) : qform :=
  match terms with [] => fun _ _ _ => 0%Q | (c, f) :: rest => fun b i j => Qred (c * f b i j + mix rest b i j) end.
Definition under (n : nat) (f : nat -> bool) : bool := forallb f (seq 0 n).
Lemma under_ok n f : under n f = true -> forall i, (i < n)%nat -> f i = true.
Proof. unfold under; rewrite forallb_forall; intros A i L; apply A, in_seq; lia. Qed.
Fixpoint qtotal (n : nat) (f : nat -> Q) : Q := match n with O => 0%Q | S k => Qred (qtotal k f + f k) end.
Lemma Q2R_red q : Q2R (Qred q) = Q2R q.
Proof. apply Qeq_eqR, Qred_correct. Qed.
Lemma Q2R_nought : Q2R 0 = 0.
Proof. unfold Q2R; simpl; ring. Qed.
Lemma Q2R_total n f : Q2R (qtotal n f) = sum n (fun i => Q2R (f i)).
Proof. induction n as [| n IH]; cbn [qtotal sum]; [apply Q2R_nought | now rewrite Q2R_red, Q2R_plus, IH]. Qed.
(* m = L D L' with D >= 0 *)
Definition factor := (list (list Q) * list Q)%type.
Definition ldl (n : nat) (m : nat -> nat -> Q) (f : factor) : bool :=
  let '(l, d) := f in
  under n (fun k => Qle_bool 0 (nth k d 0%Q))
  && under n (fun i => under n (fun j => Qeq_bool (m i j)
       (qtotal n (fun k => (nth k d 0 * (nth k (nth i l []) 0 * nth k (nth j l []) 0))%Q)))).

Section Blocks.
Context {H : Space}.
Inductive block := Vectors (vs : list V) | Number (g : R).
Definition size (b : block) : nat := match b with Vectors vs => length vs | Number _ => 1 end.
Definition value (m : nat -> nat -> Q) (b : block) : R :=
  match b with
  | Vectors vs => sum (length vs) (fun i => sum (length vs) (fun j => Q2R (m i j) * dot (nth i vs zero) (nth j vs zero)))
  | Number g => Q2R (m O O) * g
  end.
Definition numbers_pos (bs : list block) : Prop := forall b, match nth b bs (Number 0) with Number g => 0 <= g | _ => True end.
Definition total (f : qform) (bs : list block) : R := sum (length bs) (fun b => value (f b) (nth b bs (Number 0))).
Fixpoint weighted (terms : list (Q * qform)) (bs : list block) : R :=
  match terms with [] => 0 | (c, f) :: rest => Q2R c * total f bs + weighted rest bs end.

(* -- forms are linear in their matrices -- *)
Lemma value_mix c m k b : value (fun i j => Qred (c * m i j + k i j)) b = Q2R c * value m b + value k b.
Proof.
  destruct b as [vs | g]; cbn [value].
  - rewrite <- sum_scal, <- sum_add; apply sum_ext; intros i _; cbv beta.
    rewrite <- sum_scal, <- sum_add; apply sum_ext; intros j _; cbv beta; rewrite Q2R_red, Q2R_plus, Q2R_mult; ring.
  - rewrite Q2R_red, Q2R_plus, Q2R_mult; ring.
Qed.
Lemma value_null b : value (fun _ _ => 0%Q) b = 0.
Proof.
  destruct b as [vs | g]; cbn [value]; [| rewrite Q2R_nought; ring].
  apply sum_null; intros i _; apply sum_null; intros j _; rewrite Q2R_nought; ring.
Qed.
Lemma total_mix terms bs : total (mix terms) bs = weighted terms bs.
Proof.
  induction terms as [| [c f] rest IH]; cbn [weighted].
  - apply sum_null; intros; apply value_null.
  - rewrite <- IH; unfold total; rewrite <- sum_scal, <- sum_add; apply sum_ext; intros b _.
    exact (value_mix c (f b) (mix rest b) _).
Qed.

(* -- L D L' -- *)
Fixpoint vsum (n : nat) (f : nat -> V) : V := match n with O => zero | S k => add (vsum k f) (f k) end.
Lemma dot_vsum n f w : dot (vsum n f) w = sum n (fun i => dot (f i) w).
Proof. induction n as [| n IH]; simpl; [apply dot_zero_l | now rewrite dot_add_l, IH]. Qed.
Lemma sq_vsum n c f : dot (vsum n (fun i => scal (c i) (f i))) (vsum n (fun i => scal (c i) (f i)))
  = sum n (fun i => sum n (fun j => c i * c j * dot (f i) (f j))).
Proof.
  rewrite dot_vsum; apply sum_ext; intros i _; rewrite dot_sym, dot_vsum; apply sum_ext; intros j _.
  rewrite dot_scal_l, dot_sym, dot_scal_l; ring.
Qed.
Lemma ldl_ok m f b : (match b with Number g => 0 <= g | _ => True end) -> ldl (size b) m f = true -> 0 <= value m b.
Proof.
  destruct f as [l d]; intros G E; apply andb_prop in E; destruct E as [D E].
  assert (N : forall k, (k < size b)%nat -> 0 <= Q2R (nth k d 0%Q)).
  { intros k K; rewrite <- Q2R_nought; apply Qle_Rle, Qle_bool_iff; exact (under_ok _ _ D k K). }
  assert (M : forall i j, (i < size b)%nat -> (j < size b)%nat ->
    Q2R (m i j) = sum (size b) (fun k => Q2R (nth k d 0%Q) * (Q2R (nth k (nth i l []) 0%Q) * Q2R (nth k (nth j l []) 0%Q)))).
  { intros i j I J; pose proof (under_ok _ _ (under_ok _ _ E i I) j J) as X; apply Qeq_bool_iff, Qeq_eqR in X.
    rewrite X, Q2R_total; apply sum_ext; intros k _; now rewrite !Q2R_mult. }
  destruct b as [vs | g]; cbn [size value] in *.
  - set (n := length vs) in *.
    rewrite (sum_ext n _ (fun i => sum n (fun k => sum n (fun j => Q2R (nth k d 0%Q) *
      (Q2R (nth k (nth i l []) 0%Q) * Q2R (nth k (nth j l []) 0%Q) * dot (nth i vs zero) (nth j vs zero)))))).
    2: { intros i I; rewrite sum_swap; apply sum_ext; intros j J; rewrite (M i j I J), Rmult_comm, <- sum_scal.
         apply sum_ext; intros; ring. }
    rewrite sum_swap; apply sum_pos; intros k K.
    rewrite (sum_ext n _ (fun i => Q2R (nth k d 0%Q) * sum n (fun j =>
      Q2R (nth k (nth i l []) 0%Q) * Q2R (nth k (nth j l []) 0%Q) * dot (nth i vs zero) (nth j vs zero))))
      by (intros; apply sum_scal).
    rewrite sum_scal; apply Rmult_le_pos; [now apply N |].
    rewrite <- (sq_vsum n (fun i => Q2R (nth k (nth i l []) 0%Q)) (fun i => nth i vs zero)); apply dot_pos.
  - apply Rmult_le_pos; [| exact G]; rewrite (M O O) by lia; cbn [sum]; specialize (N O ltac:(lia)).
    rewrite Rplus_0_l; apply Rmult_le_pos; [exact N | apply Rle_0_sqr].
Qed.
Definition all_ldl (sizes : list nat) (f : qform) (factors : list factor) : bool :=
  under (length sizes) (fun b => ldl (nth b sizes O) (f b) (nth b factors ([], []))).
Lemma all_ldl_ok f factors bs : numbers_pos bs -> all_ldl (map size bs) f factors = true -> 0 <= total f bs.
Proof.
  intros G E; apply sum_pos; intros b B; apply (ldl_ok _ (nth b factors ([], []))); [exact (G b) |].
  unfold all_ldl in E; rewrite map_length in E; pose proof (under_ok _ _ E b B) as X; cbv beta in X.
  now rewrite (nth_indep _ O (size (Number 0))), map_nth in X by (now rewrite map_length).
Qed.
End Blocks.

(* -- a certificate -- *)
Record certificate := {
  rho : Q; scale : Q; sizes : list nat; normal : qform;
  v : list (Q * (qform * qform)); (* coefficient, the form now, its expectation one step later *)
  known : list (Q * qform); (* multiplier, what is >= 0 *)
  decrease_factors : list factor; excess_factors : list factor }.
Definition now (c : certificate) : list (Q * qform) := map (fun t => (fst t, fst (snd t))) (v c).
Definition after (c : certificate) : list (Q * qform) := map (fun t => (fst t, snd (snd t))) (v c).
Definition times (r : Q) (l : list (Q * qform)) : list (Q * qform) := map (fun t => (Qred (r * fst t), snd t)) l.
Definition checked_rate (c : certificate) : bool :=
  forallb (fun t => Qle_bool 0 (fst t)) (known c) && Qle_bool 0 (rho c)
  && all_ldl (sizes c) (mix (times (rho c) (now c) ++ times (-1) (after c) ++ times (-1) (known c))) (decrease_factors c)
  && all_ldl (sizes c) (mix (now c ++ [(Qopp (scale c), normal c)])) (excess_factors c).

Section Rates.
Context {H : Space}.
Lemma weighted_app l m bs : weighted (l ++ m) bs = weighted l bs + weighted m bs.
Proof. induction l as [| [c f] l IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma weighted_times r l bs : weighted (times r l) bs = Q2R r * weighted l bs.
Proof.
  induction l as [| [c f] l IH]; [simpl; ring |].
  change (Q2R (Qred (r * c)) * total f bs + weighted (times r l) bs = Q2R r * (Q2R c * total f bs + weighted l bs)).
  rewrite IH, Q2R_red, Q2R_mult; ring.
Qed.
Lemma weighted_pos l bs : forallb (fun t : Q * qform => Qle_bool 0 (fst t)) l = true ->
  (forall c f, In (c, f) l -> 0 <= total f bs) -> 0 <= weighted l bs.
Proof.
  induction l as [| [c f] l IH]; simpl; intros E A; [lra |]; apply andb_prop in E; destruct E as [E F].
  apply Qle_bool_iff, Qle_Rle in E; rewrite Q2R_nought in E; apply Rplus_le_le_0_compat.
  - apply Rmult_le_pos; [exact E | apply (A c f); now left].
  - apply IH; [exact F | intros d g I; apply (A d g); now right].
Qed.
Definition holds (c : certificate) (bs : list block) : Prop :=
  map size bs = sizes c /\ numbers_pos bs /\ forall m f, In (m, f) (known c) -> 0 <= total f bs.

(* One step: what is known of it makes V decrease. *)
Theorem decrease (c : certificate) (bs : list block) : checked_rate c = true -> holds c bs ->
  weighted (after c) bs <= Q2R (rho c) * weighted (now c) bs /\ Q2R (scale c) * total (normal c) bs <= weighted (now c) bs.
Proof.
  unfold checked_rate; intros E (S & G & K); repeat (apply andb_prop in E; destruct E as [E ?]); rewrite <- S in *.
  pose proof (weighted_pos _ _ E K) as W; split.
  - match goal with B : all_ldl _ (mix (times _ _ ++ _)) _ = true |- _ => apply (all_ldl_ok _ _ _ G) in B; rename B into D end.
    rewrite total_mix, !weighted_app, !weighted_times in D.
    replace (Q2R (-1)) with (-1) in D by (unfold Q2R; simpl; field); lra.
  - match goal with A : all_ldl _ (mix (now c ++ _)) _ = true |- _ => apply (all_ldl_ok _ _ _ G) in A; rename A into X end.
    rewrite total_mix, weighted_app in X; cbn [weighted] in X; rewrite Q2R_opp in X; lra.
Qed.
(* k steps: the expectations one step later are the forms of the next step. *)
Theorem rate (c : certificate) (bs : nat -> list block) (k : nat) : checked_rate c = true ->
  (forall t, (t < k)%nat -> holds c (bs t) /\ weighted (now c) (bs (S t)) = weighted (after c) (bs t)) ->
  weighted (now c) (bs k) <= Q2R (rho c) ^ k * weighted (now c) (bs O).
Proof.
  intros E A.
  assert (B := iterate (fun t => weighted (now c) (bs t)) (fun _ => 0) (Q2R (rho c)) 0 k).
  cbv beta in B; rewrite (sum_null k (fun t => Q2R (rho c) ^ (k - 1 - t) * 0)) in B by (intros; ring).
  rewrite Rmult_0_l, !Rplus_0_r in B; apply B; intros t L; destruct (A t L) as [X Y]; split.
  - unfold checked_rate in E; repeat (apply andb_prop in E; destruct E as [E ?]).
    rewrite <- Q2R_nought; apply Qle_Rle, Qle_bool_iff; assumption.
  - rewrite !Rplus_0_r, Y; exact (proj1 (decrease c (bs t) E X)).
Qed.
End Rates.

(* -- an instance: vectors on a line -- *)
Definition line : Space.
Proof.
  refine {| V := R; zero := 0; add := Rplus; scal := Rmult; dot := Rmult; P := fun v => v; F := fun _ _ => True |};
    intros; try ring; try exact I; apply Rle_0_sqr.
Defined.
Inductive qblock := QVectors (l : list Q) | QNumber (g : Q).
Definition real (b : qblock) : @block line := match b with QVectors l => Vectors (H := line) (map Q2R l) | QNumber g => Number (Q2R g) end.
Definition qsize (b : qblock) : nat := match b with QVectors l => length l | QNumber _ => 1 end.
Definition qvalue (m : nat -> nat -> Q) (b : qblock) : Q :=
  match b with
  | QVectors l => qtotal (length l) (fun i => qtotal (length l) (fun j => (m i j * (nth i l 0 * nth j l 0))%Q))
  | QNumber g => (m O O * g)%Q
  end.
Definition qall (f : qform) (bs : list qblock) : Q := qtotal (length bs) (fun b => qvalue (f b) (nth b bs (QNumber 0))).
Definition qholds (c : certificate) (bs : list qblock) : bool :=
  (if list_eq_dec Nat.eq_dec (map qsize bs) (sizes c) then true else false)
  && forallb (fun b => match b with QNumber g => Qle_bool 0 g | _ => true end) bs
  && forallb (fun t => Qle_bool 0 (qall (snd t) bs)) (known c).
Lemma nth_reals l i : nth i (map Q2R l) 0 = Q2R (nth i l 0%Q).
Proof. rewrite <- Q2R_nought; apply map_nth. Qed.
Lemma nth_real bs b : nth b (map real bs) (Number 0) = real (nth b bs (QNumber 0)).
Proof. rewrite <- Q2R_nought; exact (map_nth real bs (QNumber 0) b). Qed.
Lemma qvalue_ok m b : value (H := line) m (real b) = Q2R (qvalue m b).
Proof.
  destruct b as [l | g]; simpl; [rewrite map_length, Q2R_total | now rewrite Q2R_mult]; apply sum_ext; intros i _.
  rewrite Q2R_total; apply sum_ext; intros j _; now rewrite !Q2R_mult, !nth_reals.
Qed.
Lemma qall_ok f bs : total (H := line) f (map real bs) = Q2R (qall f bs).
Proof. unfold total, qall; rewrite map_length, Q2R_total; apply sum_ext; intros b _; now rewrite nth_real, qvalue_ok. Qed.
Theorem line_instance (c : certificate) (bs : list qblock) : qholds c bs = true -> holds (H := line) c (map real bs).
Proof.
  unfold qholds; intro E; repeat (apply andb_prop in E; destruct E as [E ?]); repeat split.
  - destruct (list_eq_dec Nat.eq_dec (map qsize bs) (sizes c)) as [S | S]; [| discriminate]; rewrite <- S, map_map.
    apply map_ext; intros [l | g]; simpl; [apply map_length | reflexivity].
  - intro b; rewrite nth_real; destruct (nth_in_or_default b bs (QNumber 0)) as [I | ->]; [| simpl; rewrite Q2R_nought; lra].
    match goal with A : forallb _ bs = true |- _ => rewrite forallb_forall in A; specialize (A _ I) end.
    destruct (nth b bs (QNumber 0)); [exact I0 || exact Logic.I | simpl; rewrite <- Q2R_nought; now apply Qle_Rle, Qle_bool_iff].
  - intros m f I; rewrite qall_ok, <- Q2R_nought; apply Qle_Rle, Qle_bool_iff.
    match goal with A : forallb _ (known c) = true |- _ => rewrite forallb_forall in A; exact (A _ I) end.
Qed.
